import type { DestinationHealth } from "../api/types";
import { Time } from "../time/Time";
import { duration } from "../time/words";
import classes from "./HealthCell.module.css";
import { outcomeShares, rateText } from "./health";

/** The last 24 hours of a destination: a bar of outcomes, how much was acknowledged, and how slow it was. */
export function HealthCell({ health }: { health: DestinationHealth }) {
  const { lastDay, failingSince } = health;
  if (lastDay.attempts === 0) {
    return <span className="dim">No attempts in 24 h</span>;
  }
  const shares = outcomeShares(lastDay);
  const said = `${lastDay.acked.toLocaleString()} acknowledged, ${lastDay.failed.toLocaleString()} failed in the last 24 hours`;
  return (
    <div className={classes.health} title={said}>
      <div className={classes.bar} role="img" aria-label={said}>
        <span className={classes.acked} style={{ width: `${shares.acked}%` }} />
        <span className={classes.failed} style={{ width: `${shares.failed}%` }} />
      </div>
      <div className={classes.numbers}>
        <span className={classes.rate}>{rateText(lastDay)}</span>
        {lastDay.p95Ms !== null && (
          <span title="95 % of its attempts took no longer than this">
            <span className="dim">p95</span> {duration(lastDay.p95Ms)}
          </span>
        )}
        {failingSince !== null && (
          <span className={classes.since}>
            failing since <Time at={failingSince} />
          </span>
        )}
      </div>
    </div>
  );
}
