import { describe, expect, test } from "vitest";
import {
  countWords,
  filterWords,
  matching,
  orderOf,
  outcomeWords,
  paceOf,
  progressOf,
  type Sample,
  sampled,
} from "./bulk";

const now = Date.parse("2026-03-02T12:00:00Z");
const counts = {
  queued: { count: 1, capped: false },
  retrying: { count: 2, capped: false },
  held: { count: 4, capped: false },
  delivered: { count: 8, capped: true },
  failed: { count: 16, capped: false },
  cancelled: { count: 32, capped: false },
};

describe("an order", () => {
  test("names those that were chosen", () => {
    expect(orderOf({ all: false, ids: new Set(["a", "b"]) }, { status: ["failed"] }, now, { again: false })).toEqual({
      deliveryIds: ["a", "b"],
      again: false,
    });
  });
  test("for all that match has the filters of the moment at which they were chosen", () => {
    expect(orderOf({ all: true }, { status: ["failed"], last: "1h" }, now, { again: true, perSecond: 9 })).toEqual({
      filter: { status: ["failed"], from: "2026-03-02T11:00:00.000Z" },
      again: true,
      perSecond: 9,
    });
  });
  test("for all there are still has a filter: the API refuses an empty one", () => {
    expect(orderOf({ all: true }, {}, now, {}).filter?.status).toHaveLength(6);
  });
});

test("all that match are counted over the statuses that are shown", () => {
  expect(matching(counts, undefined)).toEqual({ count: 63, capped: true });
  expect(matching(counts, ["failed", "held"])).toEqual({ count: 20, capped: false });
  expect(matching(counts, ["failed", "delivered"])).toEqual({ count: 24, capped: true });
});

test("a count is told by status", () => {
  const none = { queued: 0, retrying: 0, held: 0, delivered: 0, failed: 0, cancelled: 0 };
  const words = (byStatus: Partial<typeof none>) =>
    countWords({ total: 0, capped: false, byStatus: { ...none, ...byStatus } });
  expect(words({ failed: 1200, cancelled: 2, delivered: 3 })).toBe("1,200 failed, 2 cancelled and 3 delivered");
  expect(words({ failed: 2 })).toBe("2 failed");
  expect(words({})).toBe("none");
});

test("what came of an order is told by what there is of it", () => {
  const none = { delivered: 0, failed: 0, cancelled: 0, open: 0, resentAgain: 0, unknown: 0 };
  expect(outcomeWords(none)).toBeUndefined();
  expect(outcomeWords({ ...none, open: 2 })).toBe("Of these, 0 were delivered and 2 are still open.");
  expect(outcomeWords({ ...none, delivered: 1 })).toBe("Of these, 1 was delivered.");
  expect(outcomeWords({ delivered: 1_200, failed: 3, cancelled: 1, open: 21, resentAgain: 4, unknown: 5 })).toBe(
    `Of these, ${(1200).toLocaleString()} were delivered, 3 failed, 1 was cancelled, 21 are still open, 4 were re-sent once more since and 5 are no longer known.`,
  );
});

test("a filter is told in words", () => {
  const words = filterWords(
    {
      status: ["failed"],
      destinationId: ["d1"],
      severity: ["HIGH", "CRITICAL"],
      class: ["timeout", "dns", "tls", "reset"],
      statusCode: 503,
    },
    (id) => (id === "d1" ? "SOAR" : id),
    new Date(now),
  );
  expect(words).toEqual(["Failed", "SOAR", "Timeout and 3 more", "code 503", "High or Critical"]);
});

describe("progress", () => {
  const bulk = { total: 200, resent: 90, skipped: 10, perSecond: 50, state: "running" as const };
  test("those that were skipped have had their turn, too", () => {
    expect(progressOf(bulk)).toEqual({ done: 100, share: 0.5, leftMs: 2_000 });
  });
  test("one that stands still has no time left to tell", () => {
    expect(progressOf({ ...bulk, state: "paused" }).leftMs).toBeUndefined();
  });
  test("an order for nothing is done at once", () => {
    expect(progressOf({ ...bulk, total: 0, resent: 0, skipped: 0 }).share).toBe(1);
  });
});

describe("the pace", () => {
  const run = (...done: number[]) =>
    done.reduce<Sample[]>((samples, n, i) => sampled(samples, { at: i * 1_000, done: n }), []);
  test("is that of the last few seconds", () => {
    expect(paceOf(run(0, 100, 100, 110, 120, 130, 140, 150))).toBe(10);
  });
  test("is nought while it waits", () => {
    expect(paceOf(run(7, 7, 7))).toBe(0);
  });
  test("cannot be told at once", () => {
    expect(paceOf(run(0, 50))).toBeUndefined();
    expect(paceOf([])).toBeUndefined();
  });
});
