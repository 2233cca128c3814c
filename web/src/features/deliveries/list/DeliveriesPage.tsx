import { Button } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useMemo, useRef, useState } from "react";
import { bulkResendQuery, bulkResendsQuery } from "../../../api/bulkResends";
import { client, unwrap } from "../../../api/client";
import { listDeliveries } from "../../../api/deliveries";
import type { ListedDelivery } from "../../../api/types";
import { compact } from "../../../app/search";
import type { Change } from "../../../live/source";
import { now } from "../../../time/clock";
import { ListTable } from "../../../ui/list/ListTable";
import { useList } from "../../../ui/list/useList";
import { Empty } from "../../../ui/page/Empty";
import { Loaded } from "../../../ui/page/Loaded";
import { PageHead } from "../../../ui/page/PageHead";
import { BulkCard } from "../bulk/BulkCard";
import { BulkDialog, type Chosen } from "../bulk/BulkDialog";
import { SelectionBar } from "../selection/SelectionBar";
import { extend, isEmpty, isSelected, nothingSelected, toggle } from "../selection/selection";
import classes from "./DeliveriesPage.module.css";
import { DeliveryFilters } from "./DeliveryFilters";
import { DeliveryListRow } from "./DeliveryListRow";
import { countsOf, StatusCounts } from "./StatusCounts";
import { type DeliveriesSearch, deliveryFilters } from "./search";

const route = getRouteApi("/deliveries");

const idOf = (d: ListedDelivery) => d.id;
const timeOf = (d: ListedDelivery) => d.createdAt;
const open = (d: ListedDelivery) => d.dueAt !== null;
const touched = (change: Change) => (change.kind === "delivery" ? change.id : undefined);
const one = async (id: string, signal: AbortSignal): Promise<ListedDelivery> =>
  unwrap(await client.GET("/api/v1/deliveries/{id}", { params: { path: { id } }, signal }));

/** Deliveries across all alerts, newest first; and those that failed, re-sent together. */
export function DeliveriesPage() {
  const { bulk, ...rest } = route.useSearch();
  // By its text, so that a bulk re-send that is opened or closed leaves the list alone.
  const text = JSON.stringify(rest);
  const search = useMemo((): DeliveriesSearch => JSON.parse(text), [text]);
  const navigate = route.useNavigate();
  const set = (change: Partial<DeliveriesSearch>) =>
    void navigate({ search: (before) => compact({ ...before, ...change }), replace: true });
  const clear = () => void navigate({ search: compact({ bulk }) });
  const filtered = Object.keys(search).length > 0;
  const showBulk = (id: string | undefined) =>
    void navigate({ search: (before) => compact({ ...before, bulk: id }), replace: true });
  return (
    <>
      <PageHead title="Deliveries">
        <BulksLink />
      </PageHead>
      {bulk !== undefined && <ShownBulk id={bulk} onClose={() => showBulk(undefined)} />}
      <StatusCounts search={search} onChange={(status) => set({ status })} />
      <DeliveryFilters search={search} onChange={set} onClear={filtered ? clear : undefined} />
      {/* With other filters it is another list, and nothing of it is selected. */}
      <DeliveryList key={text} search={search} filtered={filtered} onClear={clear} onBulk={showBulk} />
    </>
  );
}

function DeliveryList({
  search,
  filtered,
  onClear,
  onBulk,
}: {
  search: DeliveriesSearch;
  filtered: boolean;
  onClear: () => void;
  onBulk: (id: string) => void;
}) {
  const load = useCallback(
    (cursor: string | null, at: number, signal: AbortSignal) =>
      listDeliveries(deliveryFilters(search, at), cursor, signal),
    [search],
  );
  const list = useList({ name: "deliveries", filters: search, load, idOf, timeOf, open, one, touched });
  const { data: counts } = useQuery(countsOf(search));
  const [selection, setSelection] = useState(nothingSelected);
  const [chosen, setChosen] = useState<Chosen>();
  const before = useRef<string>(undefined); // the one selected last, from which Shift goes on
  const shown = list.rows.map(idOf);
  const select = (id: string, range: boolean) => {
    const from = before.current;
    setSelection((s) => (range && from !== undefined ? extend(s, from, id, shown) : toggle(s, id, shown)));
    before.current = id;
  };
  return (
    <>
      {shown.length > 0 && (
        <SelectionBar
          selection={selection}
          onSelect={setSelection}
          shown={shown}
          search={search}
          counts={counts}
          more={list.hasMore}
          onResend={() => setChosen({ selection, search, at: now() })}
        />
      )}
      <ListTable
        list={list}
        what="deliveries"
        columns={[{ hidden: "Selected" }, "Status", "Alert", "Destination", "Tries", "Opened", "Action"]}
        template="18px 186px minmax(180px, 1.6fr) minmax(130px, 1fr) 56px 116px 96px"
        row={(d) => (
          <DeliveryListRow
            key={d.id}
            delivery={d}
            selected={isSelected(selection, d.id)}
            onSelect={(range) => select(d.id, range)}
            alone={isEmpty(selection)}
          />
        )}
        nothing={
          <Empty title="No deliveries yet">
            They appear here when alerts come in that a destination takes. <Link to="/">Go to the overview</Link>
          </Empty>
        }
        filtered={filtered}
        onClear={onClear}
      />
      {chosen && (
        <BulkDialog
          chosen={chosen}
          onClose={() => setChosen(undefined)}
          onStarted={(id) => {
            setChosen(undefined);
            setSelection(nothingSelected);
            onBulk(id);
          }}
        />
      )}
    </>
  );
}

/** The way to all bulk re-sends. It says how many run, for they may be someone else's. */
function BulksLink() {
  const { data } = useInfiniteQuery(bulkResendsQuery);
  const unfinished = (data?.pages ?? []).flatMap((p) => p.items).filter((b) => b.finishedAt === null).length;
  return (
    <Button variant="default" renderRoot={(props) => <Link {...props} to="/deliveries/bulk-resends" />}>
      Bulk re-sends{unfinished > 0 && `: ${unfinished} not finished`}
    </Button>
  );
}

/** The bulk re-send that was started here, or came with the URL. */
function ShownBulk({ id, onClose }: { id: string; onClose: () => void }) {
  const query = useQuery(bulkResendQuery(id));
  return (
    <div className={classes.bulk}>
      <Loaded query={query} what="The bulk re-send" lines={2}>
        {(bulk) => <BulkCard bulk={bulk} onClose={onClose} />}
      </Loaded>
    </div>
  );
}
