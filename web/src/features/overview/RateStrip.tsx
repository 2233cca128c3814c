import type { HourStats } from "../../api/types";
import { moment } from "../../time/words";
import { percent } from "./history";
import classes from "./RateStrip.module.css";

/** The share that was acknowledged, hour by hour. The numbers behind it are in the table of the volume. */
export function RateStrip({ hours }: { hours: readonly HourStats[] }) {
  const rates = hours.map((h) => ({ since: h.since, rate: rateOf(h) }));
  const known = rates.flatMap((r) => (r.rate === null ? [] : [r.rate]));
  const worst = known.length === 0 ? null : Math.min(...known);
  return (
    <div className={classes.strip}>
      <div className={classes.caption}>
        <span className={classes.title}>Acknowledged</span>{" "}
        <span className="dim">The worst hour had {percent(worst)}.</span>
      </div>
      <div className={classes.cells} aria-hidden>
        {rates.map(({ since, rate }) => (
          <span
            key={since}
            className={classes.cell}
            data-level={levelOf(rate)}
            title={`From ${moment(new Date(since), new Date())}: ${rate === null ? "no attempts" : percent(rate)}`}
          >
            <span style={{ height: `${Math.max(rate === null ? 0 : 6, (rate ?? 0) * 100)}%` }} />
          </span>
        ))}
      </div>
    </div>
  );
}

function rateOf({ acked, failed }: HourStats): number | null {
  return acked + failed === 0 ? null : acked / (acked + failed);
}

function levelOf(rate: number | null): string | undefined {
  return rate === null ? undefined : rate >= 0.99 ? "good" : rate >= 0.5 ? "fair" : "bad";
}
