import { Checkbox } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useCallback } from "react";
import { listAlerts, summaryOf } from "../../api/alerts";
import { client, unwrap } from "../../api/client";
import { destinationsQuery } from "../../api/destinations";
import { type AlertSummary, alertTypes, deliveryStatuses, severities } from "../../api/types";
import { compact } from "../../app/search";
import type { Change } from "../../live/source";
import { ChoiceFilter, FilterPopover } from "../../ui/list/ChoiceFilter";
import { FilterBar } from "../../ui/list/FilterBar";
import { ListTable } from "../../ui/list/ListTable";
import { SearchField } from "../../ui/list/SearchField";
import { TextsFilter } from "../../ui/list/TextsFilter";
import { TimeFilter } from "../../ui/list/TimeFilter";
import { useList } from "../../ui/list/useList";
import { SeverityMark } from "../../ui/marks/SeverityMark";
import { PageHead } from "../../ui/page/PageHead";
import { isolated } from "../../words/bidi";
import { alertTypeWord, severityWord } from "../../words/labels";
import { revealed } from "../../words/reveal";
import { statusWord } from "../../words/status";
import { AlertRow } from "./AlertRow";
import { FirstAlert } from "./FirstAlert";
import { type AlertsSearch, alertFilters } from "./search";

const route = getRouteApi("/alerts");

const idOf = (a: AlertSummary) => a.alertId;
const timeOf = (a: AlertSummary) => a.acceptedAt;
const open = (a: AlertSummary) => a.deliveries.some((d) => d.dueAt !== null);
const touched = (change: Change) => (change.kind === "delivery" ? change.alertId : undefined);
const one = async (alertId: string, signal: AbortSignal) =>
  summaryOf(unwrap(await client.GET("/api/v1/alerts/{alertId}", { params: { path: { alertId } }, signal })));

/** All alerts, newest first, each with the states of its deliveries. */
export function AlertsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: Partial<AlertsSearch>) =>
    void navigate({ search: (now) => compact({ ...now, ...change }), replace: true });
  const clear = () => void navigate({ search: {} });
  const filtered = Object.keys(search).length > 0;

  const load = useCallback(
    (cursor: string | null, at: number, signal: AbortSignal) => listAlerts(alertFilters(search, at), cursor, signal),
    [search],
  );
  const list = useList({ name: "alerts", filters: search, load, idOf, timeOf, open, one, touched });

  return (
    <>
      <PageHead title="Alerts" />
      <FilterBar onClear={filtered ? clear : undefined}>
        <SearchField
          value={search.q ?? ""}
          onChange={(q) => set({ q: q || undefined })}
          placeholder="Search title, name or ID"
        />
        <ChoiceFilter
          label="Severity"
          choices={severities.map((s) => ({ value: s, label: severityWord[s], show: <SeverityMark severity={s} /> }))}
          value={search.severity}
          onChange={(severity) => set({ severity })}
        />
        <ChoiceFilter
          label="Delivery"
          choices={deliveryStatuses.map((s) => ({ value: s, label: statusWord[s] }))}
          value={search.status}
          onChange={(status) => set({ status })}
        />
        <DestinationFilter value={search.destination} onChange={(destination) => set({ destination })} />
        <ChoiceFilter
          label="Type"
          choices={alertTypes.map((t) => ({ value: t, label: alertTypeWord[t] }))}
          value={search.type}
          onChange={(type) => set({ type })}
        />
        <TextsFilter
          label="Log type"
          hint="Exactly as the alert has it, such as AWS.VPCFlow"
          value={search.logType}
          onChange={(logType) => set({ logType })}
        />
        <TimeFilter
          value={search}
          onChange={(range) => set({ last: undefined, from: undefined, to: undefined, ...range })}
        />
        <FilterPopover
          label="Route"
          chosen={[
            ...(search.unrouted === "true" ? ["unrouted"] : search.unrouted === "false" ? ["routed"] : []),
            ...(search.unknown === undefined ? [] : [`names “${revealed(search.unknown)}”`]),
          ]}
        >
          <Checkbox
            label="Only unrouted alerts"
            checked={search.unrouted === "true"}
            onChange={(e) => set({ unrouted: e.currentTarget.checked ? "true" : undefined })}
          />
          {search.unknown !== undefined && (
            <Checkbox
              mt={8}
              label={`Only alerts that name “${isolated(revealed(search.unknown))}”, which no destination had`}
              checked
              onChange={() => set({ unknown: undefined })}
            />
          )}
        </FilterPopover>
      </FilterBar>
      <ListTable
        list={list}
        what="alerts"
        columns={["Severity", "Alert", "Type", "Deliveries", "Accepted"]}
        template="84px minmax(200px, 1.6fr) 130px minmax(240px, 1.4fr) 120px"
        row={(a) => <AlertRow key={a.alertId} alert={a} />}
        nothing={<FirstAlert />}
        filtered={filtered}
        onClear={clear}
      />
    </>
  );
}

/** One destination of all there are. */
function DestinationFilter({
  value,
  onChange,
}: {
  value: string | undefined;
  onChange: (id: string | undefined) => void;
}) {
  const { data = [] } = useQuery(destinationsQuery);
  const choices = data.map((d) => ({ value: d.id, label: d.displayName }));
  if (value !== undefined && !choices.some((c) => c.value === value)) {
    choices.push({ value, label: "a deleted destination" });
  }
  return (
    <ChoiceFilter
      label="Destination"
      choices={choices}
      value={value === undefined ? undefined : [value]}
      onChange={(ids) => onChange(ids?.find((id) => id !== value))}
    />
  );
}
