import { describe, expect, test } from "vitest";
import type { DestinationHealth } from "../../../api/types";
import { countText, healthStatusesOf, heldTotal, hourBars, outcomeShares, rateText } from "./health";

test.each([
  [0, 0, "none"],
  [10, 0, "100 %"],
  [0, 10, "0 %"],
  [100_000, 1, "99.9 %"],
  [1, 100_000, "0.1 %"],
  [1, 2, "33.3 %"],
])("of %d acknowledged and %d failed the rate is %s", (acked, failed, text) => {
  expect(rateText({ acked, failed })).toBe(text);
});

test.each([
  [0, 0, 0, 0],
  [5, 0, 100, 0],
  [0, 5, 0, 100],
  [50, 50, 50, 50],
  [9_999, 1, 94, 6],
  [1, 9_999, 6, 94],
])("%d acknowledged and %d failed share the bar %d to %d", (acked, failed, left, right) => {
  expect(outcomeShares({ acked, failed })).toEqual({ acked: left, failed: right });
});

test("hours are as tall as they were busy, and a failure is always to be seen", () => {
  const hour = (acked: number, failed: number) => ({ since: "", acked, failed, p50Ms: null, p95Ms: null });
  const heights = (...hours: [number, number][]) =>
    hourBars(hours.map(([acked, failed]) => hour(acked, failed))).map((b) => [b.acked, b.failed]);
  expect(heights([0, 0], [50, 0], [100, 0])).toEqual([
    [0, 0],
    [50, 0],
    [100, 0],
  ]);
  expect(heights([999, 1], [1, 999], [0, 1000], [1, 0], [500, 500])).toEqual([
    [86, 14],
    [14, 86],
    [0, 100],
    [14, 0],
    [50, 50],
  ]);
  expect(heights([0, 0])).toEqual([[0, 0]]);
  expect(heights()).toEqual([]);
});

test("what is held is added up, and says when there may be more", () => {
  expect(heldTotal({ paused: 3, failing: 4, our_side: 0, busy: 0, misconfigured: 0 })).toEqual({
    n: 7,
    more: false,
  });
  expect(heldTotal({ paused: 10_000, failing: 4, our_side: 0, busy: 0, misconfigured: 0 })).toEqual({
    n: 10_004,
    more: true,
  });
  expect(countText(7, false)).toBe("7");
  expect(countText(10_004, true)).toBe(`${(10_004).toLocaleString()}+`);
});

describe("the health of a destination", () => {
  const active = { state: "active" as const, usable: true };
  const paused = { state: "paused" as const, usable: true };
  const at = "2026-03-02T12:00:00Z";
  const health = (state: DestinationHealth["state"], more: Partial<DestinationHealth> = {}) => ({
    state,
    heldSince: null,
    slowUntil: null,
    inFlight: { now: 0, limit: 16, ceiling: 128, loweredAt: null, loweredBecause: null },
    consecutiveFailures: 0,
    lastAckAt: at,
    lastFailure: null,
    ...more,
  });
  test.each([
    ["healthy", active, health("healthy"), ["healthy"]],
    ["never tried", active, health("healthy", { lastAckAt: null }), ["untried"]],
    ["unknown health", active, undefined, []],
    ["paused and fine", paused, health("healthy"), ["paused"]],
    ["paused and failing", paused, health("failing"), ["failing", "paused"]],
    ["failing a little", active, health("failing", { consecutiveFailures: 9 }), ["failing"]],
    ["failing for long", active, health("failing", { consecutiveFailures: 10 }), ["keeps_failing", "failing"]],
    ["unreachable a little", active, health("unreachable", { consecutiveFailures: 1 }), ["unreachable"]],
    ["failing and held", active, health("failing", { consecutiveFailures: 12, heldSince: at }), ["held", "failing"]],
    [
      "unreachable and held",
      active,
      health("unreachable", { consecutiveFailures: 12, heldSince: at }),
      ["held", "unreachable"],
    ],
    [
      "answering nothing but 429",
      active,
      health("failing", { slowUntil: at, consecutiveFailures: 583 }),
      ["keeps_failing", "failing", "slowed"],
    ],
    ["slowed", active, health("healthy", { slowUntil: at }), ["slowed"]],
    ["misconfigured", { ...active, usable: false }, health("healthy", { lastAckAt: null }), ["misconfigured"]],
  ])("%s", (_name, destination, of, want) => {
    expect(healthStatusesOf(destination, of)).toEqual(want);
  });
});
