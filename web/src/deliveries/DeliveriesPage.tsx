import { Link } from "@tanstack/react-router";
import { useCallback } from "react";
import { client, unwrap } from "../api/client";
import { listDeliveries } from "../api/deliveries";
import type { ListedDelivery } from "../api/types";
import { Cell, ListRow, ListTable } from "../list/ListTable";
import { useList } from "../list/useList";
import type { Change } from "../live/source";
import { Empty } from "../parts/Empty";
import { PageHead } from "../parts/PageHead";
import { StatusChip } from "../parts/StatusChip";
import { Time } from "../time/Time";
import { destinationName } from "../words/labels";
import { SendButton } from "./SendButton";

const idOf = (d: ListedDelivery) => d.id;
const timeOf = (d: ListedDelivery) => d.createdAt;
const open = (d: ListedDelivery) => d.dueAt !== null;
const touched = (change: Change) => (change.kind === "delivery" ? change.id : undefined);
const one = async (id: string, signal: AbortSignal): Promise<ListedDelivery> =>
  unwrap(await client.GET("/api/v1/deliveries/{id}", { params: { path: { id } }, signal }));

const filters = {};

/** Deliveries across all alerts, newest first. */
export function DeliveriesPage() {
  const load = useCallback(
    (cursor: string | null, _at: number, signal: AbortSignal) => listDeliveries(filters, cursor, signal),
    [],
  );
  const list = useList({ name: "deliveries", filters, load, idOf, timeOf, open, one, touched });
  return (
    <>
      <PageHead title="Deliveries" />
      <ListTable
        list={list}
        what="deliveries"
        columns={["Status", "Alert", "Destination", "Tries", "Opened", "Action"]}
        template="190px minmax(200px, 1.6fr) minmax(120px, 1fr) 64px 120px 104px"
        row={(d) => <Row key={d.id} delivery={d} />}
        nothing={
          <Empty title="No deliveries yet">They appear here when alerts come in that a destination takes.</Empty>
        }
        filtered={false}
        onClear={() => {}}
      />
    </>
  );
}

function Row({ delivery: d }: { delivery: ListedDelivery }) {
  return (
    <ListRow>
      <Cell>
        <StatusChip of={d} />
      </Cell>
      <Cell wide>
        <Link to="/alerts/$alertId" params={{ alertId: d.alertId }} search={{ delivery: d.id }}>
          {d.alert.title}
        </Link>
      </Cell>
      <Cell>{destinationName(d.destination)}</Cell>
      <Cell>
        {d.attempts} / {d.maxAttempts}
      </Cell>
      <Cell>
        <Time at={d.createdAt} />
      </Cell>
      <Cell>
        <SendButton delivery={d} shortcut="r" />
      </Cell>
    </ListRow>
  );
}
