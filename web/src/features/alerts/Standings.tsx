import type { DeliverySummary, Unrouted } from "../../api/types";
import { StatusChip } from "../../ui/marks/StatusChip";
import { isolated } from "../../words/bidi";
import classes from "./AlertRow.module.css";
import { groupStandings } from "./standings";

/** How the deliveries of an alert stand, in words and colour, with the names of the destinations. */
export function Standings({
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
    <span className={classes.standings}>
      {groupStandings(deliveries).map(({ first, names, codes }) => (
        <span key={first.id} className={classes.standing}>
          <StatusChip of={first} detail={codes.join(", ") || undefined} />
          <span className={classes.names} title={names.join(", ")}>
            {names.length > 3 ? `${names.length} destinations` : names.map(isolated).join(", ")}
          </span>
        </span>
      ))}
    </span>
  );
}

const unroutedWord: Record<Unrouted["reason"], string> = {
  skip: "skipped by its producer",
  empty_destinations: "no destinations wanted",
  unknown_destinations: "unknown destinations",
  no_match: "no filter matched",
};
