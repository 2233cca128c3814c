import { Button, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { listAudit } from "../../api/audit";
import { useMayNot } from "../../api/session";
import { type AuditEntry, auditSubjectTypes } from "../../api/types";
import { compact } from "../../app/search";
import { Time } from "../../time/Time";
import { CodeBlock } from "../../ui/code/CodeBlock";
import { CopyId } from "../../ui/code/CopyId";
import { ChoiceFilter, FilterPopover } from "../../ui/list/ChoiceFilter";
import { FilterBar } from "../../ui/list/FilterBar";
import { Cell, ListRow, ListTable } from "../../ui/list/ListTable";
import { TimeFilter } from "../../ui/list/TimeFilter";
import { useList } from "../../ui/list/useList";
import { Empty } from "../../ui/page/Empty";
import { isolated } from "../../words/bidi";
import { actionWord, nameIn, subjectWord } from "./auditWords";
import { type AuditSearch, auditFilters } from "./search";
import classes from "./settings.module.css";

const idOf = (e: AuditEntry) => e.id;
const timeOf = (e: AuditEntry) => e.at;
// What was done never changes.
const never = () => false;
const untouched = () => undefined;
const none = () => Promise.reject(new Error("an entry is never read alone"));

/** Who did what, newest first. */
export function AuditLog({ search, onSearch }: { search: AuditSearch; onSearch: (search: AuditSearch) => void }) {
  const mayNot = useMayNot("operate");
  return mayNot === undefined ? (
    <Entries search={search} onSearch={onSearch} />
  ) : (
    <Empty title="Who did what is for operators">{mayNot}</Empty>
  );
}

function Entries({ search, onSearch }: { search: AuditSearch; onSearch: (search: AuditSearch) => void }) {
  const text = JSON.stringify(search);
  const load = useCallback(
    (cursor: string | null, at: number, signal: AbortSignal) => {
      const filters: AuditSearch = JSON.parse(text);
      return listAudit(auditFilters(filters, at), cursor, signal);
    },
    [text],
  );
  const list = useList({
    name: "audit",
    filters: text,
    load,
    idOf,
    timeOf,
    open: never,
    one: none,
    touched: untouched,
  });
  const set = (change: Partial<AuditSearch>) => onSearch(compact({ ...search, ...change }));
  const filtered = Object.keys(search).length > 0;
  const clear = () => onSearch({});
  return (
    <>
      <FilterBar onClear={filtered ? clear : undefined}>
        <ChoiceFilter
          label="What was changed"
          choices={auditSubjectTypes.map((s) => ({ value: s, label: subjectWord[s] }))}
          value={search.subject && [search.subject]}
          onChange={(next) => set({ subject: next?.find((s) => s !== search.subject) })}
        />
        <IdFilter key={search.id} value={search.id} onChange={(id) => set({ id })} />
        <TimeFilter
          value={search}
          onChange={(range) => set({ last: undefined, from: undefined, to: undefined, ...range })}
        />
      </FilterBar>
      <ListTable
        list={list}
        what="changes"
        columns={["When", "Who and what", "Of", "Detail"]}
        template="130px minmax(200px, 1.2fr) minmax(200px, 1.2fr) minmax(160px, 1fr)"
        row={(e) => <Entry key={e.id} entry={e} />}
        nothing={<Empty title="Nothing was changed yet">Changes by people and programs are listed here.</Empty>}
        filtered={filtered}
        onClear={clear}
      />
    </>
  );
}

function Entry({ entry: e }: { entry: AuditEntry }) {
  const name = nameIn(e.detail);
  return (
    <ListRow>
      <Cell>
        <Time at={e.at} />
      </Cell>
      <Cell wide>
        <strong>{isolated(e.actor)}</strong>
        {e.action === "bulk_resend.finish" ? "" : " "}
        {actionWord(e.action)}
        {name !== undefined && name !== e.actor && <div className="dim">{isolated(name)}</div>}
      </Cell>
      <Cell wide>
        <Subject entry={e} />
      </Cell>
      <Cell wide>
        <details className={classes.detail}>
          <summary>Detail</summary>
          <div className={classes.detailBody}>
            <span className="dim">Request </span>
            <CopyId id={e.requestId} what="request ID" />
            <CodeBlock body={{ text: JSON.stringify(e.detail) }} what="detail" />
          </div>
        </details>
      </Cell>
    </ListRow>
  );
}

/** What was changed, with the way there where there is one. */
function Subject({ entry: e }: { entry: AuditEntry }) {
  return (
    <>
      <div>
        <SubjectLink entry={e} />
      </div>
      <span className="dim">
        <CopyId id={e.subjectId} what={`${subjectWord[e.subjectType]} ID`} />
      </span>
    </>
  );
}

function SubjectLink({ entry: e }: { entry: AuditEntry }) {
  const word = subjectWord[e.subjectType];
  switch (e.subjectType) {
    case "destination":
      return (
        <Link to="/destinations/$destinationId" params={{ destinationId: e.subjectId }}>
          {word}
        </Link>
      );
    case "alert":
      return (
        <Link to="/alerts/$alertId" params={{ alertId: e.subjectId }}>
          {word}
        </Link>
      );
    case "bulk_resend":
      return (
        <Link to="/deliveries" search={{ bulk: e.subjectId }}>
          {word}
        </Link>
      );
    default:
      return word;
  }
}

/** The id of the thing that was changed. */
function IdFilter({ value, onChange }: { value: string | undefined; onChange: (id: string | undefined) => void }) {
  const [text, setText] = useState(value ?? "");
  return (
    <FilterPopover label="ID" chosen={value === undefined ? [] : [value]}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          onChange(text.trim() || undefined);
        }}
      >
        <TextInput
          label="ID of what was changed"
          description="The whole ID. For an alert, its alert ID"
          maxLength={256}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
        />
        <Button type="submit" variant="default" mt={8}>
          Set
        </Button>
      </form>
    </FilterPopover>
  );
}
