import type { AlertDetails } from "../../api/types";
import { deliveryStatuses } from "../../api/types";
import { Panel } from "../../ui/page/Panel";
import { isolated } from "../../words/bidi";
import { statusWord } from "../../words/status";
import { DeliveryRow } from "./DeliveryRow";
import classes from "./DeliveryStatusPanel.module.css";
import { OtherDestinations } from "./OtherDestinations";
import type { AlertPageSearch } from "./search";

/** "Delivery Status": where the alert went, the state of each delivery, and where else it could go. */
export function DeliveryStatusPanel({
  details,
  open,
  onOpen,
}: {
  details: AlertDetails;
  open: AlertPageSearch;
  onOpen: (open: AlertPageSearch) => void;
}) {
  const { alert, deliveries, unrouted, unknownDestinations } = details;
  return (
    <Panel title="Delivery Status" aside={<span role="status">{summary(details)}</span>} flush>
      {deliveries.length === 0 && (
        <p className={classes.unrouted}>
          This alert is unrouted. {unrouted?.detail ?? ""} It is stored all the same, and you can send it below.
        </p>
      )}
      {deliveries.map((d) => (
        <DeliveryRow
          key={d.id}
          delivery={d}
          opened={open.delivery === d.id}
          attempt={open.attempt}
          onToggle={() => onOpen(open.delivery === d.id ? {} : { delivery: d.id })}
          onAttempt={(attempt) => onOpen({ delivery: d.id, attempt })}
        />
      ))}
      {unknownDestinations.length > 0 && (
        <p className={classes.note}>
          The alert also named {unknownDestinations.length === 1 ? "a destination" : "destinations"} that did not exist:{" "}
          {unknownDestinations.map(isolated).join(", ")}.
        </p>
      )}
      <OtherDestinations alertId={alert.alertId} deliveries={deliveries} />
    </Panel>
  );
}

/** "1 failed, 2 delivered": those that ask for someone first. */
function summary({ deliveries }: AlertDetails): string {
  return deliveryStatuses
    .map((s) => ({ word: statusWord[s].toLowerCase(), n: deliveries.filter((d) => d.status === s).length }))
    .filter(({ n }) => n > 0)
    .map(({ word, n }) => `${n} ${word}`)
    .join(", ");
}
