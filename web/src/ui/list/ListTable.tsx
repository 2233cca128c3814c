import { Button, Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import { Time } from "../../time/Time";
import { ProblemAlert } from "../page/ProblemAlert";
import classes from "./ListTable.module.css";
import type { List } from "./useList";

/** The name of a column; a hidden one is for those who do not see what is in it. */
type Column = string | { hidden: string };

/**
 * The rows of a list with what is around them: the pill that says how many are new, the four states, and the way to
 * more. On a narrow screen each row is a block of its cells (ListTable.module.css); the roles keep it a table.
 */
export function ListTable<Item>({
  list,
  what,
  columns,
  template,
  row,
  nothing,
  filtered,
  onClear,
}: {
  list: List<Item>;
  /** Names the items: "alerts". */
  what: string;
  columns: readonly Column[];
  /** The widths of the columns, as grid-template-columns. */
  template: string;
  /** A <ListRow> for one item. */
  row: (item: Item) => ReactNode;
  /** What to show when there is nothing at all: the first step. */
  nothing: ReactNode;
  /** Whether any filter is set. */
  filtered: boolean;
  onClear: () => void;
}) {
  if (list.isPending) {
    return <SkeletonRows what={what} />;
  }
  if (list.error && list.rows.length === 0) {
    return <ProblemAlert title={`The ${what} could not be loaded`} error={list.error} retry={list.retry} />;
  }
  return (
    <>
      <div className={classes.pillLine} role="status">
        {list.freshCount > 0 && (
          <Button
            radius="xl"
            onClick={() => {
              list.showFresh();
              window.scrollTo({ top: 0 });
            }}
          >
            {list.freshCount}
            {list.freshCapped ? "+" : ""} new
          </Button>
        )}
      </div>
      {list.rows.length > 0 ? (
        <table role="table" className={classes.table} aria-label={what}>
          <thead role="rowgroup" className={classes.head}>
            <tr role="row" className={classes.row} style={{ "--template": template }}>
              {columns.map((c) =>
                typeof c === "string" ? (
                  <th key={c} role="columnheader" scope="col">
                    {c}
                  </th>
                ) : (
                  <th key={c.hidden} role="columnheader" scope="col">
                    <span className="sr-only">{c.hidden}</span>
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody role="rowgroup" style={{ "--template": template }}>
            {list.rows.map(row)}
          </tbody>
        </table>
      ) : filtered && !list.hasMore ? (
        <div className={classes.none}>
          <p>No {what} match these filters.</p>
          <Button variant="default" onClick={onClear}>
            Clear filters
          </Button>
        </div>
      ) : (
        !list.hasMore && nothing
      )}
      <More list={list} what={what} />
    </>
  );
}

/** The foot of a list: how far back was searched, and the way to more. */
function More<Item>({ list, what }: { list: List<Item>; what: string }) {
  if (list.moreError) {
    return <ProblemAlert title={`More ${what} could not be loaded`} error={list.moreError} retry={list.loadMore} />;
  }
  if (!list.hasMore) {
    return list.rows.length > 0 ? <p className={classes.end}>That is all.</p> : null;
  }
  return (
    <div className={classes.more}>
      {list.endedEarly && (
        <span>
          {list.searchedTo === null ? (
            `Only a part was searched${list.rows.length === 0 ? ", and nothing there matches" : ""}.`
          ) : (
            <>
              Searched back to <Time at={list.searchedTo} />
              {list.rows.length === 0 ? "; nothing there matches." : "."}
            </>
          )}
        </span>
      )}
      <Button variant="default" onClick={list.loadMore} loading={list.isLoadingMore}>
        {list.endedEarly ? "Search further" : "Load more"}
      </Button>
    </div>
  );
}

/** A row. Its first link or button is where the keys j and k go. */
export function ListRow({ children, selected = false }: { children: ReactNode; selected?: boolean }) {
  return (
    <tr role="row" className={classes.row} data-row data-selected={selected || undefined}>
      {children}
    </tr>
  );
}

/**
 * A cell. On a narrow screen `wide` gives it a line of its own, `end` puts it last, and `rest` gives it what that leaves
 * of the last line. What is in an `end` cell is laid out by the row, and may take a line of it.
 */
export function Cell({ children, ...places }: { children: ReactNode; wide?: boolean; rest?: boolean; end?: boolean }) {
  const place = places.wide ? "wide" : places.rest ? "rest" : places.end ? "end" : undefined;
  return (
    <td role="cell" className={classes.cell} data-place={place}>
      {children}
    </td>
  );
}

function SkeletonRows({ what }: { what: string }) {
  return (
    <div role="status" aria-label={`Loading ${what}`}>
      {Array.from({ length: 12 }, (_, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike
        <div key={n} className={classes.skeleton}>
          <Skeleton height={14} width={64} radius={3} />
          <Skeleton height={14} width={`${60 - ((n * 13) % 30)}%`} radius={3} />
          <Skeleton height={14} width={96} radius={3} />
        </div>
      ))}
    </div>
  );
}
