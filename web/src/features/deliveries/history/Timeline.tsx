import type { AttemptSummary, AttemptTrigger, DeliveryDetails } from "../../../api/types";
import { Duration } from "../../../time/Duration";
import { Time } from "../../../time/Time";
import { useNow } from "../../../time/useNow";
import { span } from "../../../time/words";
import { isolated } from "../../../words/bidi";
import { outcomeWord } from "../../../words/status";
import classes from "./Timeline.module.css";
import { type NextStep, nextStep, stepsOf } from "./timeline";

/** The attempts of a delivery, newest first, with what is to come drawn dashed before them. */
export function Timeline({
  details,
  waits,
  shown,
  onShow,
}: {
  details: DeliveryDetails;
  waits: readonly number[];
  shown: string | undefined;
  onShow: (attemptId: string) => void;
}) {
  return (
    <ol className={classes.timeline} aria-label="Attempts, newest first">
      <Next details={details} waits={waits} />
      {stepsOf(details).map(({ attempt, why }) => (
        <li key={attempt.id} className={classes.step} data-outcome={outcomeOf(attempt)}>
          <button
            type="button"
            className={classes.button}
            aria-pressed={attempt.id === shown}
            onClick={() => onShow(attempt.id)}
          >
            <span className={classes.first}>
              <span className={classes.number}>#{attempt.number}</span>
              <span className={classes.outcome}>{outcomeWord(attempt.class, attempt.statusCode)}</span>
              <span className={classes.right}>
                <Duration ms={attempt.durationMs} />
              </span>
            </span>
            <span className={classes.second}>
              <Time at={attempt.startedAt} />
              <span>
                {triggerWord(attempt)}
                {details.run > 1 ? `, run ${attempt.run}` : ""}
                {attempt.counted ? "" : ", not counted"}
              </span>
            </span>
          </button>
          {why !== undefined && <div className={classes.why}>{why}</div>}
        </li>
      ))}
    </ol>
  );
}

function Next({ details, waits }: { details: DeliveryDetails; waits: readonly number[] }) {
  const now = useNow();
  const next = nextStep(details, waits, now);
  if (next === undefined) {
    return null;
  }
  return (
    <li className={classes.step} data-outcome="next">
      <div className={classes.nextBox}>
        <span className={classes.first}>
          <span className={classes.number}>{next.title}</span>
          <span className={classes.right}>{whenWord(details, next, now)}</span>
        </span>
        <span className={classes.second}>
          {next.dueAt !== null && (
            <span>
              {details.status === "held" ? "Not before" : "Due"} <Time at={next.dueAt} />
            </span>
          )}
        </span>
        {next.givesUpAt !== undefined && (
          <span className={classes.second}>
            <span>
              Gives up about <Time at={new Date(next.givesUpAt).toISOString()} />, if every try fails
            </span>
          </span>
        )}
      </div>
    </li>
  );
}

function whenWord(details: DeliveryDetails, next: NextStep, now: number): string {
  if (details.status === "held") {
    return "when released";
  }
  const left = next.dueAt === null ? 0 : Date.parse(next.dueAt) - now;
  return left > 0 ? `in ${span(left + 999)}` : "now";
}

function outcomeOf(a: AttemptSummary): string {
  return a.class === "acked" ? "acked" : a.class === "interrupted" ? "interrupted" : "failed";
}

const triggers: Record<AttemptTrigger, string> = {
  automatic: "automatic",
  resend: "re-sent",
  send_now: "sent now",
  test: "test",
};

function triggerWord(a: AttemptSummary): string {
  return a.requestedBy === null ? triggers[a.trigger] : `${triggers[a.trigger]} by ${isolated(a.requestedBy)}`;
}
