/** How many attempts ended within a stretch of time, by what came of them. `since` is when it began, in RFC 3339. */
export type VolumePoint = { since: string; acked: number; failed: number };

/** How long the attempts of a stretch of time took, in milliseconds; null when there were none. */
export type DurationPoint = { since: string; p50Ms: number | null; p95Ms: number | null };

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

/** What the axis says of a moment: "14:00". */
export function tick(since: string): string {
  return clock.format(new Date(since));
}

/** What the axis says of a duration: "80 ms", "1.5 s", "2 m". */
export function axisDuration(ms: number): string {
  if (ms < 1_000) {
    return `${ms} ms`;
  }
  return ms < 120_000 ? `${Math.round(ms / 100) / 10} s` : `${Math.round(ms / 60_000)} m`;
}

/** The stretch that begins at a moment and lasts `stepMs`: "2 Mar, 14:00 – 15:00". */
export function stretch(since: string, stepMs: number): string {
  const from = new Date(since);
  return `${dayAndClock.format(from)} – ${clock.format(new Date(from.getTime() + stepMs))}`;
}

/** The volume in a sentence, for those who do not see the bars. */
export function volumeSummary(points: readonly VolumePoint[]): string {
  const acked = points.reduce((n, p) => n + p.acked, 0);
  const failed = points.reduce((n, p) => n + p.failed, 0);
  if (acked + failed === 0) {
    return "No attempts in this time.";
  }
  return `${acked.toLocaleString()} acknowledged, ${failed.toLocaleString()} failed.`;
}
