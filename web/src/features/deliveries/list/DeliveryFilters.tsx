import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { destinationsQuery } from "../../../api/destinations";
import { alertTypes, attemptClasses, routedBys, severities } from "../../../api/types";
import { ChoiceFilter, FilterPopover } from "../../../ui/list/ChoiceFilter";
import { FilterBar } from "../../../ui/list/FilterBar";
import { SearchField } from "../../../ui/list/SearchField";
import { TimeFilter } from "../../../ui/list/TimeFilter";
import { SeverityMark } from "../../../ui/marks/SeverityMark";
import { alertTypeWord, routedByWord, severityWord } from "../../../words/labels";
import { deliveryReasons, reasonStatus, reasonWord } from "../../../words/reasons";
import { classWord, statusWord } from "../../../words/status";
import { type DeliveriesSearch, failedLastDay, readCode, sameSearch } from "./search";

/** What narrows the list of deliveries, beside the status; and what people look at most, as a link. */
export function DeliveryFilters({
  search,
  onChange,
  onClear,
}: {
  search: DeliveriesSearch;
  onChange: (change: Partial<DeliveriesSearch>) => void;
  onClear: (() => void) | undefined;
}) {
  const saved = sameSearch(search, failedLastDay);
  return (
    <FilterBar onClear={onClear}>
      <SearchField
        value={search.alert ?? ""}
        onChange={(alert) => onChange({ alert: alert || undefined })}
        placeholder="Find by alert ID, in full"
      />
      <Button
        variant={saved ? "light" : "default"}
        aria-current={saved || undefined}
        renderRoot={(props) => <Link {...props} to="/deliveries" search={failedLastDay} />}
      >
        Failed, last 24 h
      </Button>
      <ChoiceFilter
        label="Reason"
        choices={deliveryReasons.map((r) => ({ value: r, label: `${statusWord[reasonStatus(r)]}: ${reasonWord(r)}` }))}
        value={search.reason}
        onChange={(reason) => onChange({ reason })}
      />
      <DestinationsFilter value={search.destination} onChange={(destination) => onChange({ destination })} />
      <ChoiceFilter
        label="Severity"
        choices={severities.map((s) => ({ value: s, label: severityWord[s], show: <SeverityMark severity={s} /> }))}
        value={search.severity}
        onChange={(severity) => onChange({ severity })}
      />
      <ChoiceFilter
        label="Last answer"
        choices={attemptClasses.map((c) => ({ value: c, label: classWord[c] }))}
        value={search.class}
        onChange={(outcome) => onChange({ class: outcome })}
      />
      <CodeFilter key={search.code} value={search.code} onChange={(code) => onChange({ code })} />
      <TimeFilter
        value={search}
        onChange={(range) => onChange({ last: undefined, from: undefined, to: undefined, ...range })}
      />
      <ChoiceFilter
        label="Type"
        choices={alertTypes.map((t) => ({ value: t, label: alertTypeWord[t] }))}
        value={search.type}
        onChange={(type) => onChange({ type })}
      />
      <ChoiceFilter
        label="Route"
        choices={routedBys.map((r) => ({ value: r, label: routedByWord[r] }))}
        value={search.routedBy}
        onChange={(routedBy) => onChange({ routedBy })}
      />
    </FilterBar>
  );
}

function DestinationsFilter({
  value = [],
  onChange,
}: {
  value: readonly string[] | undefined;
  onChange: (ids: string[] | undefined) => void;
}) {
  const { data } = useQuery(destinationsQuery);
  const choices = (data ?? []).map((d) => ({ value: d.id, label: d.displayName }));
  const gone = value
    .filter((id) => !choices.some((c) => c.value === id))
    .map((id) => ({ value: id, label: data ? "a deleted destination" : "…" }));
  return <ChoiceFilter label="Destination" choices={[...choices, ...gone]} value={value} onChange={onChange} />;
}

/** The HTTP status code of the newest attempt. */
function CodeFilter({ value, onChange }: { value: string | undefined; onChange: (code: string | undefined) => void }) {
  const [text, setText] = useState(value ?? "");
  const code = readCode(text);
  const wrong = text.trim() !== "" && code === undefined;
  return (
    <FilterPopover label="Code" chosen={value === undefined ? [] : [value]}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (!wrong) {
            onChange(code);
          }
        }}
      >
        <TextInput
          label="HTTP status code"
          description="Of the newest attempt, such as 503"
          inputMode="numeric"
          maxLength={3}
          value={text}
          error={wrong && text.trim().length === 3 ? "From 100 to 999" : undefined}
          onChange={(e) => setText(e.currentTarget.value)}
        />
        <Button type="submit" variant="default" mt={8} disabled={wrong}>
          Set
        </Button>
      </form>
    </FilterPopover>
  );
}
