import type { DeliverySummary, Unrouted } from "../../api/types";
import { StatusChip } from "../../ui/marks/StatusChip";
import { isolated } from "../../words/bidi";
import classes from "./AlertRow.module.css";
import { groupDeliveries } from "./deliveryGroups";

/** The states of the deliveries of an alert, in words and colour, with the names of the destinations. */
export function DeliveryStates({
  deliveries,
  unrouted,
}: {
  deliveries: readonly DeliverySummary[];
  unrouted: Unrouted | null;
}) {
  if (deliveries.length === 0) {
    return (
      <span className="dim" title={unrouted?.detail}>
        Unrouted{unrouted ? `: ${unroutedWord[unrouted.reason]}` : ""}
      </span>
    );
  }
  return (
    <span className={classes.deliveries}>
      {groupDeliveries(deliveries).map(({ first, names, codes }) => (
        <span key={first.id} className={classes.delivery}>
          <StatusChip delivery={first} detail={codes.join(", ") || undefined} />
          <span className={classes.names} title={names.join(", ")}>
            {names.length > 3 ? `${names.length} destinations` : names.map(isolated).join(", ")}
          </span>
        </span>
      ))}
    </span>
  );
}

const unroutedWord: Record<Unrouted["reason"], string> = {
  by_request: "by request of its producer",
  unknown_destinations: "unknown destinations",
  no_match: "no filter matched",
};
