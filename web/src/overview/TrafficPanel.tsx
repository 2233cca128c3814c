import { useQueries, useQuery } from "@tanstack/react-query";
import { healthListQuery } from "../api/destinations";
import type { DestinationHealth } from "../api/types";
import { DurationChart } from "../charts/DurationChart";
import { VolumeChart } from "../charts/VolumeChart";
import { Loaded, SkeletonLines } from "../parts/Loaded";
import { Panel } from "../parts/Panel";
import { ProblemAlert } from "../parts/ProblemAlert";
import { busiest, historyQuery, percent, sumHours, type Totals, totalsOf } from "./history";
import { RateStrip } from "./RateStrip";
import classes from "./TrafficPanel.module.css";

/** How many attempts were made, how they went and how long they took, over all destinations. */
export function TrafficPanel() {
  const query = useQuery(healthListQuery);
  return (
    <Panel title="Attempts" aside="Tests do not count">
      <Loaded query={query} what="The health of the destinations" lines={6}>
        {(healths) => (
          <div className={classes.stack}>
            <dl className={classes.totals}>
              <Total name="Last hour" totals={totalsOf(healths.map((h) => h.lastHour))} />
              <Total name="Last 24 h" totals={totalsOf(healths.map((h) => h.lastDay))} />
            </dl>
            <Histories healths={healths} />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function Total({ name, totals }: { name: string; totals: Totals }) {
  return (
    <div className={classes.total}>
      <dt>{name}</dt>
      <dd>
        <span className={classes.number}>{totals.attempts.toLocaleString()}</span> attempts,{" "}
        <span className={classes.number}>{percent(totals.rate)}</span> acknowledged
      </dd>
    </div>
  );
}

function Histories({ healths }: { healths: readonly DestinationHealth[] }) {
  const { ids, leftOut } = busiest(healths);
  const queries = useQueries({ queries: ids.map(historyQuery) });
  const failed = queries.find((q) => q.isError && q.data === undefined);
  if (ids.length === 0) {
    return <p className={classes.note}>No attempt was made in the last 24 hours.</p>;
  }
  if (queries.some((q) => q.isPending)) {
    return <SkeletonLines lines={8} />;
  }
  const hours = sumHours(queries.flatMap((q) => (q.data ? [q.data] : [])));
  return (
    <>
      {failed && (
        <ProblemAlert
          title="The last 24 hours could not be loaded of every destination"
          error={failed.error}
          retry={() => {
            for (const q of queries) {
              void (q.isError && q.refetch());
            }
          }}
        />
      )}
      {leftOut > 0 && (
        <p className={classes.note}>
          Below are the {ids.length} destinations with the most attempts; {leftOut} more had any.
        </p>
      )}
      <div className={classes.charts}>
        <div>
          <VolumeChart title="By the hour" points={hours} />
          <RateStrip hours={hours} />
        </div>
        <DurationChart
          summary="p50 is that of the destination in the middle, p95 that of the slowest one."
          points={hours}
          height={190}
        />
      </div>
    </>
  );
}
