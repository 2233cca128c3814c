import type { AttemptSummary, Delivery, DeliveryDetails } from "../../../api/types";
import { span } from "../../../time/words";
import { isolated } from "../../../words/bidi";
import { waitWord } from "../../../words/classes";

/** An attempt, and why it came when it did. */
export type Step = { attempt: AttemptSummary; why: string | undefined };

/** What is still to come of an open delivery. */
export type NextStep = {
  /** "Try 4 of 11". */
  title: string;
  /** When it comes; of a held one when it comes at the earliest, unless that is past. */
  dueAt: string | null;
  /** When it fails for good if every try fails; undefined when that cannot be told. */
  givesUpAt: number | undefined;
};

/** The attempts of a delivery, newest first. */
export function stepsOf(details: Pick<DeliveryDetails, "attemptHistory" | "createdAt">): Step[] {
  let before: AttemptSummary | undefined;
  const steps: Step[] = [];
  for (const attempt of details.attemptHistory) {
    const since = before ? endOf(before) : Date.parse(details.createdAt);
    steps.push({ attempt, why: whyThen(attempt, before, Math.max(0, Date.parse(attempt.startedAt) - since)) });
    before = attempt;
  }
  return steps.reverse();
}

function endOf(a: AttemptSummary): number {
  return Date.parse(a.startedAt) + a.durationMs;
}

const slack = 3_000; // for fetching the job, and for the clock's whole seconds

/** Why an attempt came when it did: the gap before it, and what made the gap. */
function whyThen(attempt: AttemptSummary, before: AttemptSummary | undefined, gap: number): string | undefined {
  const who = isolated(attempt.requestedBy ?? "someone");
  if (attempt.trigger === "resend") {
    return `${who} re-sent it: run ${attempt.run} opens`;
  }
  if (attempt.trigger === "send_now") {
    return `${who} sent it now, ${span(gap)} after the one before`;
  }
  if (before === undefined && gap <= slack) {
    return undefined;
  }
  const waited = before ? `waited ${waitText(Math.round(gap))}` : `started ${span(gap)} after it was opened`;
  // An attempt from before reasons were stored has none.
  return attempt.waitReason === null ? waited : `${waited}, ${waitWord[attempt.waitReason]}`;
}

function waitText(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : span(ms);
}

/** What is still to come; undefined of a delivery that is final. */
export function nextStep(
  d: Pick<Delivery, "status" | "dueAt" | "attempts" | "maxAttempts">,
  waits: readonly number[],
  now: number,
): NextStep | undefined {
  if (d.status !== "queued" && d.status !== "retrying" && d.status !== "held") {
    return undefined;
  }
  const title = `Try ${d.attempts + 1} of ${d.maxAttempts}`;
  // A held delivery may wait for days. One of another schedule than today's cannot be reckoned.
  const known = d.status !== "held" && d.dueAt !== null && waits.length === d.maxAttempts - 1;
  const left = waits.slice(d.attempts).reduce((sum, wait) => sum + wait, 0);
  const givesUpAt = known && d.dueAt !== null ? Math.max(now, Date.parse(d.dueAt)) + left : undefined;
  const past = d.dueAt !== null && Date.parse(d.dueAt) <= now;
  return { title, dueAt: d.status === "held" && past ? null : d.dueAt, givesUpAt };
}
