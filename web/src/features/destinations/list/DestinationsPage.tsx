import { Button, Select } from "@mantine/core";
import { IconArrowsSort, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { destinationsQuery, destinationTypesQuery, healthListQuery, historiesQuery } from "../../../api/destinations";
import { useMayNot } from "../../../api/session";
import { alertTypes, severities } from "../../../api/types";
import { compact } from "../../../app/search";
import { ActionButton } from "../../../ui/act/ActionButton";
import { ChoiceFilter } from "../../../ui/list/ChoiceFilter";
import { FilterBar } from "../../../ui/list/FilterBar";
import { SearchField } from "../../../ui/list/SearchField";
import { SeverityMark } from "../../../ui/marks/SeverityMark";
import { Empty } from "../../../ui/page/Empty";
import { Loaded } from "../../../ui/page/Loaded";
import { PageHead } from "../../../ui/page/PageHead";
import { ProblemAlert } from "../../../ui/page/ProblemAlert";
import { alertTypeWord, severityWord } from "../../../words/labels";
import { HealthChip } from "../health/HealthChip";
import { healthStatuses, healthStatusWord } from "../health/health";
import { DestinationTable } from "./DestinationTable";
import { type DestinationsSearch, select, sorts, sortWord } from "./search";

const route = getRouteApi("/destinations");

/** "Alert Destinations": where alerts go, what each takes, and how it does. */
export function DestinationsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: Partial<DestinationsSearch>) =>
    void navigate({ search: (now) => compact({ ...now, ...change }), replace: true });
  const { sort: _order, ...filters } = search;
  const filtered = Object.keys(filters).length > 0;
  const clear = () => void navigate({ search: compact({ sort: search.sort }) });
  const query = useQuery(destinationsQuery);
  const health = useQuery(healthListQuery);
  const { data: histories } = useQuery(historiesQuery); // its errors are those of health
  const { data: types } = useQuery(destinationTypesQuery); // without it rows show less
  const none = query.data?.length === 0;
  return (
    <>
      <PageHead title="Alert Destinations">{!none && <AddButton>Add Destination</AddButton>}</PageHead>
      {!none && (
        <FilterBar onClear={filtered ? clear : undefined}>
          <SearchField
            value={search.q ?? ""}
            onChange={(q) => set({ q: q || undefined })}
            placeholder="Search name, host, log type or ID"
          />
          <ChoiceFilter
            label="State"
            choices={healthStatuses.map((s) => ({
              value: s,
              label: healthStatusWord[s],
              show: <HealthChip status={s} />,
            }))}
            value={search.health}
            onChange={(health) => set({ health })}
          />
          <ChoiceFilter
            label="Severity"
            choices={severities.map((s) => ({
              value: s,
              label: severityWord[s],
              show: <SeverityMark severity={s} />,
            }))}
            value={search.severity}
            onChange={(severity) => set({ severity })}
          />
          <ChoiceFilter
            label="Type"
            choices={alertTypes.map((t) => ({ value: t, label: alertTypeWord[t] }))}
            value={search.type}
            onChange={(type) => set({ type })}
          />
          <Select
            aria-label="Sort"
            w={215}
            leftSection={<IconArrowsSort size={14} aria-hidden />}
            data={sorts.map((s) => ({ value: s, label: sortWord[s] }))}
            value={search.sort ?? "name"}
            onChange={(v) => set({ sort: v === "name" ? undefined : sorts.find((s) => s === v) })}
            allowDeselect={false}
          />
        </FilterBar>
      )}
      {health.isError && (
        <div style={{ marginBottom: 12 }}>
          <ProblemAlert
            title="The health of the destinations could not be loaded"
            error={health.error}
            retry={() => void health.refetch()}
          />
        </div>
      )}
      <Loaded query={query} what="The destinations" lines={10}>
        {(destinations) => {
          if (destinations.length === 0) {
            return (
              <Empty title="No destinations yet">
                <p>Alerts are unrouted until there is one. A destination is a service that Belfry sends alerts to.</p>
                <AddButton>Add your first Destination</AddButton>
              </Empty>
            );
          }
          const healthOf = new Map(health.data?.map((h) => [h.destinationId, h]));
          const all = destinations.map((destination) => ({
            destination,
            type: types?.find((t) => t.type === destination.type),
            health: healthOf.get(destination.id),
            hours: histories?.get(destination.id),
          }));
          const listed = select(all, search);
          return listed.length === 0 ? (
            <Empty title="No destinations match these filters">
              <Button variant="default" mt="xs" onClick={clear}>
                Clear filters
              </Button>
            </Empty>
          ) : (
            <DestinationTable listed={listed} of={destinations.length} />
          );
        }}
      </Loaded>
    </>
  );
}

function AddButton({ children }: { children: string }) {
  const navigate = route.useNavigate();
  const mayNot = useMayNot("admin");
  return mayNot === undefined ? (
    <Button
      td="none"
      leftSection={<IconPlus size={14} aria-hidden />}
      renderRoot={(props) => <Link {...props} to="/destinations/new" />}
    >
      {children}
    </Button>
  ) : (
    <ActionButton mayNot={mayNot} onClick={() => void navigate({ to: "/destinations/new" })}>
      {children}
    </ActionButton>
  );
}
