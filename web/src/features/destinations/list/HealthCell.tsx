import type { DestinationHealth, HourStats } from "../../../api/types";
import { Time } from "../../../time/Time";
import { duration } from "../../../time/words";
import { hourBars, outcomeShares, rateText } from "../health/health";
import classes from "./HealthCell.module.css";

/**
 * The last 24 hours of a destination: a bar of outcomes for each, and one for all until the hours are there, which
 * are read less often; how much was acknowledged, and how slow it was.
 */
export function HealthCell({ health, hours }: { health: DestinationHealth; hours: readonly HourStats[] | undefined }) {
  const { lastDay, failingSince } = health;
  if (lastDay.attempts === 0) {
    return <span className="dim">No attempts in 24 h</span>;
  }
  const said = `${lastDay.acked.toLocaleString()} acknowledged, ${lastDay.failed.toLocaleString()} failed in the last 24 hours`;
  return (
    <div className={classes.health} title={said}>
      <div className={classes.bar} role="img" aria-label={said}>
        {hours?.some((h) => h.acked + h.failed > 0) ? <Hours hours={hours} /> : <Day lastDay={lastDay} />}
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
            no acknowledgement since <Time at={failingSince} />
          </span>
        )}
      </div>
    </div>
  );
}

function Day({ lastDay }: Pick<DestinationHealth, "lastDay">) {
  const shares = outcomeShares(lastDay);
  return (
    <>
      <span className={`${classes.day} ${classes.acked}`} style={{ width: `${shares.acked}%` }} />
      <span className={`${classes.day} ${classes.failed}`} style={{ width: `${shares.failed}%` }} />
    </>
  );
}

function Hours({ hours }: { hours: readonly HourStats[] }) {
  return hourBars(hours).map((bar) => (
    <span key={bar.since} className={classes.hour}>
      <span className={classes.failed} style={{ height: `${bar.failed}%` }} />
      <span className={classes.acked} style={{ height: `${bar.acked}%` }} />
    </span>
  ));
}
