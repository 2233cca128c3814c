const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A stretch of time in its two largest units: "4 m 12 s", "1 h 5 m", "3 d". Below a second "0 s". */
export function span(ms: number): string {
  const left = Math.max(0, ms);
  for (const [unit, name, next, nextName] of [
    [day, "d", hour, "h"],
    [hour, "h", minute, "m"],
    [minute, "m", second, "s"],
  ] as const) {
    if (left >= unit) {
      const rest = Math.floor((left % unit) / next);
      const whole = `${Math.floor(left / unit)} ${name}`;
      return rest > 0 ? `${whole} ${rest} ${nextName}` : whole;
    }
  }
  return `${Math.floor(left / second)} s`;
}

/** How long something took: "0.8 ms", "46 ms", "1.25 s", "1 m 5 s". */
export function duration(ms: number): string {
  if (ms < 1) {
    return ms === 0 ? "0 ms" : `${Math.max(0.1, Math.round(ms * 10) / 10)} ms`;
  }
  if (ms < 999.5) {
    return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
  }
  if (ms < minute) {
    return `${(ms / second).toFixed(ms < 10 * second ? 2 : 1)} s`;
  }
  return span(ms);
}

/** How long ago or how soon: "just now", "4 m ago", "in 2 h". One unit, as it changes under the eye. */
export function relative(at: number, now: number): string {
  const ms = Math.abs(now - at);
  if (ms < 5 * second) {
    return "just now";
  }
  const [unit, name] =
    ms < minute
      ? ([second, "s"] as const)
      : ms < hour
        ? ([minute, "m"] as const)
        : ms < day
          ? ([hour, "h"] as const)
          : ([day, "d"] as const);
  const n = Math.floor(ms / unit);
  return at > now ? `in ${n} ${name}` : `${n} ${name} ago`;
}

/** The wait that the server's settings write as "5s", "2m", "1h30m" or "100ms", in milliseconds. */
export function parseWait(text: string): number {
  let total = 0;
  for (const [, n, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)) {
    total += Number(n) * (unit === "ms" ? 1 : unit === "s" ? second : unit === "m" ? minute : hour);
  }
  return total;
}

const clockFormat = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const dayFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const yearFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const zoneFormat = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" });

/** A moment, local: "14:03:27" today, "2 Mar, 14:03:27" this year, else with the year. */
export function moment(at: Date, now: Date): string {
  const clock = clockFormat.format(at);
  if (at.toDateString() === now.toDateString()) {
    return clock;
  }
  return `${(at.getFullYear() === now.getFullYear() ? dayFormat : yearFormat).format(at)}, ${clock}`;
}

/** The whole truth about a moment: local with its zone, and UTC to the millisecond. */
export function exactly(at: Date): string {
  const zone = zoneFormat.formatToParts(at).find((p) => p.type === "timeZoneName")?.value ?? "";
  return `${yearFormat.format(at)}, ${clockFormat.format(at)} ${zone}\n${at.toISOString().replace("T", " ").replace("Z", "")} UTC`;
}
