import { queryOptions } from "@tanstack/react-query";
import { client, unwrap } from "./client";
import type { paths } from "./schema.gen";

/** The filters of the list of deliveries, as the API takes them. */
export type DeliveryFilters = Omit<
  NonNullable<paths["/api/v1/deliveries"]["get"]["parameters"]["query"]>,
  "cursor" | "limit"
>;

export async function listDeliveries(filters: DeliveryFilters, cursor: string | null, signal: AbortSignal) {
  const query = { ...filters, ...(cursor === null ? {} : { cursor }) };
  return unwrap(await client.GET("/api/v1/deliveries", { params: { query }, signal }));
}

export type CountFilters = NonNullable<paths["/api/v1/deliveries/counts"]["get"]["parameters"]["query"]>;

/** How many deliveries match, by status. `filters` gives those of the moment at which it is asked. */
export const countsQuery = (key: unknown, filters: () => CountFilters) =>
  queryOptions({
    queryKey: ["counts", key],
    queryFn: async ({ signal }) =>
      unwrap(await client.GET("/api/v1/deliveries/counts", { params: { query: filters() }, signal })),
  });

export const deliveryKey = (id: string) => ["delivery", id] as const;

/** A delivery with its runs and all of its attempts. */
export const deliveryQuery = (id: string) =>
  queryOptions({
    queryKey: deliveryKey(id),
    queryFn: async ({ signal }) =>
      unwrap(await client.GET("/api/v1/deliveries/{id}", { params: { path: { id } }, signal })),
    refetchInterval: (query) => (query.state.data?.status === "queued" ? 1_000 : false),
  });

/** One attempt in full. It never changes. */
export const attemptQuery = (id: string, attemptId: string) =>
  queryOptions({
    queryKey: ["attempt", id, attemptId],
    queryFn: async ({ signal }) =>
      unwrap(
        await client.GET("/api/v1/deliveries/{id}/attempts/{attemptId}", {
          params: { path: { id, attemptId } },
          signal,
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Opens the next run. `run` is the one that the person sees, so that two clicks send once. */
export async function resendDelivery(id: string, run: number, again: boolean) {
  return unwrap(
    await client.POST("/api/v1/deliveries/{id}/resend", { params: { path: { id } }, body: { run, again } }),
  );
}

export async function sendDeliveryNow(id: string) {
  return unwrap(await client.POST("/api/v1/deliveries/{id}/send-now", { params: { path: { id } } }));
}

export async function cancelDelivery(id: string) {
  return unwrap(await client.POST("/api/v1/deliveries/{id}/cancel", { params: { path: { id } } }));
}
