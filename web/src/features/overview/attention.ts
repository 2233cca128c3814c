import type { Destination, DestinationHealth, LastFailure, UnknownDestinationList } from "../../api/types";
import { heldFor } from "../destinations/health/health";

type About = { id: string; name: string };

type Unhealthy = Exclude<DestinationHealth["state"], "healthy">;

/** Something that asks for someone, worst first. */
export type Attention =
  | { kind: "held"; destination: About; state: Unhealthy; since: string; held: number; last: LastFailure | null }
  | { kind: "misconfigured"; destination: About; held: number }
  | { kind: "unknown"; name: string; count: number; capped: boolean; since: string }
  | { kind: "moreUnknown"; count: number }
  | { kind: "failed"; count: number; capped: boolean }
  | {
      kind: "failing";
      destination: About;
      state: Unhealthy;
      since: string | null;
      inARow: number;
      last: LastFailure | null;
    }
  | { kind: "paused"; destination: About; held: number };

const order: readonly Attention["kind"][] = [
  "held",
  "misconfigured",
  "unknown",
  "moreUnknown",
  "failed",
  "failing",
  "paused",
];

/** So many names that nobody has are shown each by itself: a producer may invent them. */
const mostUnknown = 5;

/** From how many attempts in a row a destination that fails is news. One that fails now and then has retries for it. */
const inARowAtLeast = 3;

/** What needs attention: destinations by what they hold up, and what failed in the last day. */
export function attentionOf(
  destinations: readonly Destination[],
  healths: readonly DestinationHealth[],
  failed: { count: number; capped: boolean },
  unknown: UnknownDestinationList,
): Attention[] {
  const byId = new Map(healths.map((h) => [h.destinationId, h]));
  const all = destinations.flatMap((d) => {
    const health = byId.get(d.id);
    return health ? ofDestination(d, health) : [];
  });
  const names = [...unknown.items].sort((a, b) => b.alerts - a.alerts);
  for (const n of names.slice(0, mostUnknown)) {
    all.push({ kind: "unknown", name: n.name, count: n.alerts, capped: unknown.capped, since: n.firstAt });
  }
  const more = unknown.items.length + unknown.moreNames - mostUnknown;
  if (more > 0) {
    all.push({ kind: "moreUnknown", count: more });
  }
  if (failed.count > 0) {
    all.push({ kind: "failed", ...failed });
  }
  return all.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || weight(b) - weight(a));
}

function ofDestination(d: Destination, h: DestinationHealth): Attention[] {
  const destination = { id: d.id, name: d.displayName };
  const found: Attention[] = [];
  if (heldFor(h.held, "misconfigured") > 0) {
    found.push({ kind: "misconfigured", destination, held: heldFor(h.held, "misconfigured") });
  }
  if (d.state === "paused") {
    // It gets no attempts: how it answered before is no news.
    return heldFor(h.held, "paused") > 0
      ? [...found, { kind: "paused", destination, held: heldFor(h.held, "paused") }]
      : found;
  }
  const { lastFailure: last, consecutiveFailures: inARow } = h;
  if (h.state === "healthy") {
    return found;
  }
  if (h.heldSince !== null) {
    const held = heldFor(h.held, "failing");
    found.push({ kind: "held", destination, state: h.state, since: h.heldSince, held, last });
  } else if (inARow >= inARowAtLeast) {
    found.push({ kind: "failing", destination, state: h.state, since: h.failingSince, inARow, last });
  }
  return found;
}

/** What weighs more comes first among its kind. */
function weight(a: Attention): number {
  switch (a.kind) {
    case "failed":
    case "unknown":
    case "moreUnknown":
      return a.count;
    case "failing":
      return a.inARow;
    default:
      return a.held;
  }
}

/** A number that the server counts up to 10,000. */
export function heldWord(n: number): string {
  return n >= 10_000 ? "10,000 or more" : n.toLocaleString();
}
