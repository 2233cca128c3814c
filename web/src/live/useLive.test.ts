import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { bulkResendQuery, bulkResendsQuery } from "../api/bulkResends";
import type { BulkResendDetails } from "../api/types";
import { refresh } from "./useLive";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const bulk: BulkResendDetails = {
  id: "b",
  state: "done",
  filter: null,
  deliveryCount: 2,
  again: false,
  perSecond: 50,
  total: 2,
  resent: 2,
  skipped: 0,
  requestedBy: "ada",
  createdAt: "2026-03-02T12:00:00Z",
  finishedAt: "2026-03-02T12:00:01Z",
  outcomes: { delivered: 1, failed: 0, cancelled: 0, open: 1, resentAgain: 0, unknown: 0 },
};

function withBulk(of: BulkResendDetails) {
  const queries = new QueryClient();
  const { queryKey } = bulkResendQuery(of.id);
  queries.setQueryData(queryKey, of);
  queries.setQueryData(bulkResendsQuery.queryKey, { pages: [], pageParams: [] });
  const stale = (key: readonly unknown[]) => queries.getQueryState(key)?.isInvalidated;
  return { queries, one: () => stale(queryKey), list: () => stale(bulkResendsQuery.queryKey) };
}

const delivery = { kind: "delivery", id: "d", alertId: "a", destinationId: "t", status: "delivered" } as const;

test("what comes of a bulk re-send is read again with its deliveries, a little later, while some are open", () => {
  const open = withBulk(bulk);
  const settled = withBulk({ ...bulk, outcomes: { ...bulk.outcomes, delivered: 2, open: 0 } });
  for (const { queries } of [open, settled]) {
    refresh(queries, delivery);
    vi.advanceTimersByTime(5_000);
  }
  expect([open.one(), settled.one()]).toEqual([true, false]);
});

test("one that has not had all its turns may come to more", () => {
  const running = withBulk({ ...bulk, state: "running", finishedAt: null, resent: 0 });
  refresh(running.queries, delivery);
  vi.advanceTimersByTime(5_000);
  expect(running.one()).toBe(true);
});

test("its own progress is read at most once a second, the list at once", () => {
  const { queries, one, list } = withBulk(bulk);
  const read = vi.spyOn(queries, "invalidateQueries");
  for (let n = 0; n < 4; n++) {
    refresh(queries, { kind: "bulk_resend", id: "b" });
    vi.advanceTimersByTime(200);
  }
  expect([one(), list()]).toEqual([false, true]);
  const before = read.mock.calls.length;
  vi.advanceTimersByTime(1_000);
  expect([one(), read.mock.calls.length - before]).toEqual([true, 1]);
});
