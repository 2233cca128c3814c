import type {
  AttemptStats,
  DeliveryReason,
  Destination,
  DestinationHealth,
  HeldCounts,
  HourStats,
} from "../../../api/types";

/** What is to be said of the health of a destination, most urgent first. Paused and misconfigured are shown with it. */
export const healthStatuses = [
  "misconfigured",
  "held",
  "keeps_failing",
  "unreachable",
  "failing",
  "slowed",
  "paused",
  "untried",
  "healthy",
] as const;

export type HealthStatus = (typeof healthStatuses)[number];

export const healthStatusWord: Record<HealthStatus, string> = {
  misconfigured: "Misconfigured",
  held: "Deliveries held",
  keeps_failing: "Keeps failing",
  unreachable: "Unreachable",
  failing: "Failing",
  slowed: "Asked to slow down",
  paused: "Paused",
  untried: "Not tried yet",
  healthy: "Healthy",
};

/** So many attempts in a row without an acknowledgement are called "keeps failing". */
const manyInARow = 10;

/** All that is to be said of the health of a destination, most urgent first: one that is paused may have been failing. */
export function healthStatusesOf(
  destination: Pick<Destination, "state" | "usable">,
  health:
    | Pick<DestinationHealth, "state" | "heldSince" | "slowUntil" | "consecutiveFailures" | "lastAckAt" | "lastFailure">
    | undefined,
): HealthStatus[] {
  const found = new Set<HealthStatus>();
  if (!destination.usable) {
    found.add("misconfigured");
  }
  if (destination.state === "paused") {
    found.add("paused");
  }
  if (health && health.slowUntil !== null) {
    found.add("slowed");
  }
  if (health && health.state !== "healthy") {
    found.add(health.state);
    if (health.heldSince !== null) {
      found.add("held");
    } else if (health.consecutiveFailures >= manyInARow) {
      found.add("keeps_failing");
    }
  }
  if (found.size === 0 && health) {
    found.add(health.lastAckAt === null && health.lastFailure === null ? "untried" : "healthy");
  }
  return healthStatuses.filter((s) => found.has(s));
}

/** How many are held for a reason. */
export function heldFor(held: HeldCounts, reason: DeliveryReason): number {
  return held[reason] ?? 0;
}

/** The same as people read it: counting stops at 10,000. */
export function heldText(held: HeldCounts, reason: DeliveryReason): string {
  const n = heldFor(held, reason);
  return countText(n, n >= 10_000);
}

/** How many are held. Each reason is counted up to 10,000: then there may be more. */
export function heldTotal(held: HeldCounts): { n: number; more: boolean } {
  const all = Object.values(held);
  return { n: all.reduce((sum, n) => sum + n, 0), more: all.some((n) => n >= 10_000) };
}

/** "212", or "10,000+" when counting stopped there. */
export function countText(n: number, more: boolean): string {
  return `${n.toLocaleString()}${more ? "+" : ""}`;
}

/**
 * A success rate as people read it: "99.9 %". It never says 100 % while something failed, nor 0 % while something went
 * through.
 */
export function rateText(stats: Pick<AttemptStats, "acked" | "failed">): string {
  const attempts = stats.acked + stats.failed;
  if (attempts === 0) {
    return "none";
  }
  const tenths = Math.round((stats.acked / attempts) * 1_000);
  const shown = stats.failed > 0 ? Math.min(999, tenths) : tenths;
  return `${(stats.acked > 0 ? Math.max(1, shown) : shown) / 10} %`;
}

/** The widths of the two parts of an outcome bar, in percent. A part that is there is wide enough to see. */
export function outcomeShares({ acked, failed }: Pick<AttemptStats, "acked" | "failed">): {
  acked: number;
  failed: number;
} {
  const attempts = acked + failed;
  if (attempts === 0) {
    return { acked: 0, failed: 0 };
  }
  const least = 6;
  const share = (failed / attempts) * 100;
  const shown = failed === 0 ? 0 : acked === 0 ? 100 : Math.min(100 - least, Math.max(least, share));
  return { acked: 100 - shown, failed: shown };
}

/** The heights of what was acknowledged and what failed in each hour, in percent of the busiest hour. */
export function hourBars(hours: readonly HourStats[]): { since: string; acked: number; failed: number }[] {
  const least = 14; // what is there is tall enough to see
  const most = Math.max(...hours.map((h) => h.acked + h.failed));
  const height = (n: number) => (n === 0 ? 0 : Math.max(least, (n / most) * 100));
  return hours.map((h) => {
    const failed = h.acked === 0 ? height(h.failed) : Math.min(100 - least, height(h.failed));
    return { since: h.since, acked: Math.min(100 - failed, height(h.acked)), failed };
  });
}
