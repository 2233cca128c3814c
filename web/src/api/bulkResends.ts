import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { client, unwrap } from "./client";
import { Problem } from "./problem";
import type { components } from "./schema.gen";
import type { BulkCount, BulkResend, BulkResendDetails } from "./types";

const nothing: BulkCount = {
  total: 0,
  capped: false,
  byStatus: { queued: 0, retrying: 0, held: 0, delivered: 0, failed: 0, cancelled: 0 },
};

/** What to re-send: all that a filter selects, or each one listed. */
export type BulkOrder = Omit<components["schemas"]["BulkResendInput"], "dryRun">;

/** Counts what an order would take, and changes nothing. One that can take nothing is refused, which is a count of 0. */
export const bulkCountQuery = (order: BulkOrder) =>
  queryOptions({
    queryKey: ["bulk-count", order],
    queryFn: async ({ signal }) => {
      try {
        const answer = unwrap(await client.POST("/api/v1/bulk-resends", { body: { ...order, dryRun: true }, signal }));
        if ("byStatus" in answer) {
          return answer;
        }
      } catch (error) {
        if (error instanceof Problem && error.field("filter.status") !== undefined) {
          return nothing;
        }
        throw error;
      }
      throw new TypeError("a dry run was answered with an order"); // the contract excludes it
    },
    staleTime: 0,
    gcTime: 0,
  });

export async function startBulkResend(order: BulkOrder): Promise<BulkResend> {
  const answer = unwrap(await client.POST("/api/v1/bulk-resends", { body: { ...order, dryRun: false } }));
  if ("state" in answer) {
    return answer;
  }
  throw new TypeError("an order was answered with a count"); // the contract excludes it
}

export const bulkKey = ["bulk-resends"] as const;
export const bulkListKey = [...bulkKey, "list"] as const;

/** Bulk re-sends, newest first. */
export const bulkResendsQuery = infiniteQueryOptions({
  queryKey: bulkListKey,
  queryFn: async ({ pageParam, signal }) => {
    const query = { limit: 20, ...(pageParam === null ? {} : { cursor: pageParam }) };
    return unwrap(await client.GET("/api/v1/bulk-resends", { params: { query }, signal }));
  },
  // Without the cast its type would be null alone.
  initialPageParam: null as string | null,
  getNextPageParam: (last) => last.nextCursor,
  staleTime: 5_000,
});

/** One bulk re-send, how far it is, and what has come of it. */
export const bulkResendQuery = (id: string) =>
  queryOptions({
    queryKey: [...bulkKey, id],
    queryFn: async ({ signal }) =>
      unwrap(await client.GET("/api/v1/bulk-resends/{id}", { params: { path: { id } }, signal })),
  });

/** Whether this is one bulk re-send of which more may come. */
export function changingBulk(data: unknown): boolean {
  if (typeof data !== "object" || data === null || !("outcomes" in data)) {
    return false;
  }
  const bulk = data as BulkResendDetails; // nothing else has outcomes
  return bulk.finishedAt === null || bulk.outcomes.open > 0;
}

/** What has come of one that has only been ordered. */
export function justOrdered(bulk: BulkResend): BulkResendDetails {
  return { ...bulk, outcomes: { delivered: 0, failed: 0, cancelled: 0, open: 0, resentAgain: 0, unknown: 0 } };
}

export type BulkChange = "pause" | "resume" | "cancel";

/** Stops an order, lets it go on, or ends it. */
export async function changeBulkResend(id: string, change: BulkChange): Promise<BulkResend> {
  return unwrap(await client.POST(`/api/v1/bulk-resends/{id}/${change}`, { params: { path: { id } } }));
}
