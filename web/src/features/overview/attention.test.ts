import { expect, test } from "vitest";
import type { Destination, DestinationHealth, UnknownDestination } from "../../api/types";
import { type Attention, attentionOf, heldWord } from "./attention";

const at = "2026-03-02T11:04:12Z";
const none = { count: 0, capped: false };
const nobody = { items: [], moreNames: 0, capped: false };
const stats = { attempts: 0, acked: 0, failed: 0, successRate: null, p50Ms: null, p95Ms: null };

function destination(id: string, state: Destination["state"] = "active"): Destination {
  // Attention looks at these three only.
  return { id, displayName: id.toUpperCase(), state } as Destination;
}

function health(destinationId: string, more: Partial<DestinationHealth> = {}): DestinationHealth {
  return {
    destinationId,
    state: "healthy",
    heldSince: null,
    failingSince: null,
    consecutiveFailures: 0,
    lastAckAt: null,
    lastFailure: null,
    nextProbeAt: null,
    slowUntil: null,
    inFlight: { now: 0, limit: 16, ceiling: 128, loweredAt: null, loweredBecause: null },
    held: { paused: 0, failing: 0, our_side: 0, busy: 0, misconfigured: 0 },
    lastHour: stats,
    lastDay: stats,
    ...more,
  };
}

function unknown(name: string, alerts: number): UnknownDestination {
  return { name, alerts, firstAt: "2026-03-02T09:15:02Z", lastAt: "2026-03-02T11:04:12Z", lastAlertId: "a" };
}

function said(i: Attention): string {
  switch (i.kind) {
    case "failed":
    case "moreUnknown":
      return `${i.kind} ${i.count}`;
    case "unknown":
      return `unknown ${i.name}`;
    case "held":
    case "failing":
      return `${i.kind} ${i.destination.name} ${i.state}`;
    default:
      return `${i.kind} ${i.destination.name}`;
  }
}

const held = (more: Partial<DestinationHealth["held"]>) => ({
  held: { paused: 0, failing: 0, our_side: 0, busy: 0, misconfigured: 0, ...more },
});

test("when all is well there is nothing, and busy is well", () => {
  expect(attentionOf([destination("a")], [health("a", held({ busy: 900 }))], none, nobody)).toEqual([]);
});

test("the worst comes first, and of its kind what holds up most", () => {
  const items = attentionOf(
    [destination("a"), destination("b"), destination("c"), destination("p", "paused"), destination("m")],
    [
      health("a", { state: "failing", heldSince: at, ...held({ failing: 2 }) }),
      health("b", { state: "unreachable", consecutiveFailures: 5 }),
      health("c", { state: "unreachable", heldSince: at, ...held({ failing: 40 }) }),
      health("p", held({ paused: 7 })),
      health("m", held({ misconfigured: 1 })),
    ],
    { count: 3, capped: false },
    {
      items: Array.from({ length: 7 }, (_, n) => unknown(`Name ${n}`, n)),
      moreNames: 2,
      capped: false,
    },
  );
  expect(items.map(said)).toEqual([
    "held C unreachable",
    "held A failing",
    "misconfigured M",
    "unknown Name 6",
    "unknown Name 5",
    "unknown Name 4",
    "unknown Name 3",
    "unknown Name 2",
    "moreUnknown 4",
    "failed 3",
    "failing B unreachable",
    "paused P",
  ]);
});

test("a paused destination is news only when it holds something, and how it answered is none", () => {
  const d = [destination("a", "paused")];
  expect(attentionOf(d, [health("a")], none, nobody)).toEqual([]);
  expect(
    attentionOf(d, [health("a", { state: "failing", heldSince: at, ...held({ paused: 1 }) })], none, nobody),
  ).toEqual([{ kind: "paused", destination: { id: "a", name: "A" }, held: 1 }]);
});

test("one failure is what retries are for", () => {
  expect(
    attentionOf([destination("a")], [health("a", { state: "failing", consecutiveFailures: 2 })], none, nobody),
  ).toEqual([]);
});

test("a destination that has just been made has no health yet", () => {
  expect(attentionOf([destination("a")], [], none, nobody)).toEqual([]);
});

test("a number that the server stopped counting at says so", () => {
  expect([heldWord(9_999), heldWord(10_000)]).toEqual(["9,999", "10,000 or more"]);
});
