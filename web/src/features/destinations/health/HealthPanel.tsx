import type { AttemptStats, DestinationHealthDetails, InFlight, LoweredBecause } from "../../../api/types";
import { Time } from "../../../time/Time";
import { duration } from "../../../time/words";
import { DurationChart } from "../../../ui/charts/DurationChart";
import { VolumeChart } from "../../../ui/charts/VolumeChart";
import classes from "./HealthPanel.module.css";
import { rateText } from "./health";

/** How a destination did: the last hour and day in numbers, and the day hour by hour. */
export function HealthPanel({ health }: { health: DestinationHealthDetails }) {
  const { lastHour, lastDay, history } = health;
  return (
    <div className={classes.health}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">
              <span className="sr-only">Time</span>
            </th>
            <th scope="col">Acknowledged</th>
            <th scope="col">Attempts</th>
            <th scope="col">Failed</th>
            <th scope="col">p50</th>
            <th scope="col">p95</th>
          </tr>
        </thead>
        <tbody>
          <StatsRow name="Last hour" stats={lastHour} />
          <StatsRow name="Last 24 hours" stats={lastDay} />
        </tbody>
      </table>
      {health.inFlight !== null && <InFlightLine inFlight={health.inFlight} />}
      {lastDay.attempts === 0 ? (
        <p className={classes.none}>
          No attempt was made in the last 24 hours. They are charted here once alerts are routed to it; tests do not
          count.
        </p>
      ) : (
        <>
          <VolumeChart title="Attempts by hour" points={history} />
          <DurationChart
            title="Duration by hour"
            summary="p50: half took no longer. p95: 95 % took no longer."
            points={history}
          />
        </>
      )}
    </div>
  );
}

const loweredWords: Record<LoweredBecause, string> = {
  too_much: "the destination asked for less",
  no_answer: "too many attempts got no answer in time, or 503",
  got_slower: "its answers took more than twice as long as before",
};

/** How many attempts are under way, how many there may be, and why that became fewer. */
function InFlightLine({ inFlight }: { inFlight: InFlight }) {
  const { now, limit, ceiling, loweredAt, loweredBecause } = inFlight;
  return (
    <p className={classes.inFlight}>
      In flight now, from the replica that answers: <b>{now.toLocaleString()}</b> of {limit.toLocaleString()}. The limit
      follows what the destination can take, up to {ceiling.toLocaleString()}.
      {loweredAt !== null && loweredBecause !== null && (
        <>
          {" "}
          It last fell at <Time at={loweredAt} />, because {loweredWords[loweredBecause]}.
        </>
      )}
    </p>
  );
}

function StatsRow({ name, stats }: { name: string; stats: AttemptStats }) {
  const words = (ms: number | null) => (ms === null ? "–" : duration(ms));
  return (
    <tr>
      <th scope="row">{name}</th>
      <td className={classes.rate}>{stats.attempts === 0 ? "–" : rateText(stats)}</td>
      <td>{stats.attempts.toLocaleString()}</td>
      <td data-bad={stats.failed > 0 || undefined}>{stats.failed.toLocaleString()}</td>
      <td>{words(stats.p50Ms)}</td>
      <td>{words(stats.p95Ms)}</td>
    </tr>
  );
}
