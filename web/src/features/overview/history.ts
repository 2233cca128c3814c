import type { AttemptStats, HourStats } from "../../api/types";

/** The hours of several destinations, summed up. */
export function sumHours(histories: readonly (readonly HourStats[])[]): HourStats[] {
  const bySince = new Map<string, HourStats[]>();
  for (const hour of histories.flat()) {
    const same = bySince.get(hour.since);
    if (same === undefined) {
      bySince.set(hour.since, [hour]);
    } else {
      same.push(hour);
    }
  }
  return [...bySince]
    .sort(([a], [b]) => Date.parse(a) - Date.parse(b))
    .map(([since, hours]) => ({
      since,
      acked: hours.reduce((n, h) => n + h.acked, 0),
      failed: hours.reduce((n, h) => n + h.failed, 0),
      // Percentiles do not add up. These two say what they are: the middle destination's, and the slowest one's.
      p50Ms: weightedMedian(hours),
      p95Ms: hours.reduce<number | null>((max, h) => (h.p95Ms === null ? max : Math.max(max ?? 0, h.p95Ms)), null),
    }));
}

/** The median that the attempt in the middle belongs to, when destinations stand in the order of their medians. */
function weightedMedian(hours: readonly HourStats[]): number | null {
  const known = hours
    .flatMap((h) => (h.p50Ms === null ? [] : [{ ms: h.p50Ms, n: h.acked + h.failed }]))
    .sort((a, b) => a.ms - b.ms);
  const half = known.reduce((n, k) => n + k.n, 0) / 2;
  let passed = 0;
  for (const { ms, n } of known) {
    passed += n;
    if (passed >= half) {
      return ms;
    }
  }
  return null;
}

export type Totals = { attempts: number; acked: number; rate: number | null };

export function totalsOf(stats: readonly AttemptStats[]): Totals {
  const attempts = stats.reduce((n, s) => n + s.attempts, 0);
  const acked = stats.reduce((n, s) => n + s.acked, 0);
  return { attempts, acked, rate: attempts === 0 ? null : acked / attempts };
}

/** A share in per cent. It never says 100 while one is missing, nor 0 while there is one. */
export function percent(rate: number | null): string {
  if (rate === null) {
    return "–";
  }
  if (rate === 1 || rate === 0) {
    return `${rate * 100} %`;
  }
  return `${Math.min(99.9, Math.max(0.1, rate * 100)).toFixed(1)} %`;
}
