import type { Attempt } from "../../../api/types";
import { Duration } from "../../../time/Duration";
import { Time } from "../../../time/Time";
import classes from "./TimingBar.module.css";
import { partsOf } from "./timing";

/** Where the time of an attempt went: each part with a bar at its place in the whole. */
export function TimingBar({ attempt }: { attempt: Attempt }) {
  const { durationMs, timing, startedAt, address } = attempt;
  const share = (ms: number) => `${durationMs > 0 ? Math.min(100, (ms / durationMs) * 100) : 0}%`;
  return (
    <div>
      <dl className={classes.parts}>
        {partsOf(timing, durationMs).map(({ name, from, ms }) => (
          <div key={name} className={classes.part}>
            <dt>{name}</dt>
            <dd>
              <Duration ms={ms} />
            </dd>
            <dd className={classes.track} aria-hidden>
              <span className={classes.bar} style={{ left: share(from), width: share(ms) }} />
            </dd>
          </div>
        ))}
        <div className={classes.part} data-total>
          <dt>In all</dt>
          <dd>
            <Duration ms={durationMs} />
          </dd>
          <dd className={classes.track} aria-hidden />
        </div>
      </dl>
      <p className="dim">
        Started <Time at={startedAt} />
        {address !== null && (
          <>
            , address <span className="mono">{address}</span>
          </>
        )}
      </p>
    </div>
  );
}
