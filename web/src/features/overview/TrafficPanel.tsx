import { useQuery } from "@tanstack/react-query";
import { healthListQuery, historiesQuery } from "../../api/destinations";
import { DurationChart } from "../../ui/charts/DurationChart";
import { VolumeChart } from "../../ui/charts/VolumeChart";
import { Loaded } from "../../ui/page/Loaded";
import { Panel } from "../../ui/page/Panel";
import { percent, sumHours, type Totals, totalsOf } from "./history";
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
            {healths.some((h) => h.lastDay.attempts > 0) ? (
              <Histories />
            ) : (
              <p className={classes.note}>No attempt was made in the last 24 hours.</p>
            )}
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

function Histories() {
  const query = useQuery(historiesQuery);
  return (
    <Loaded query={query} what="The last 24 hours" lines={8}>
      {(histories) => {
        const hours = sumHours([...histories.values()]);
        return (
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
        );
      }}
    </Loaded>
  );
}
