import { queryOptions } from "@tanstack/react-query";
import { client, unwrap } from "./client";
import type { Destination } from "./types";

/** Every destination, by name. There are few: filters and forms want all of them. */
export const destinationsQuery = queryOptions({
  queryKey: ["destinations"],
  queryFn: async ({ signal }) => {
    const all: Destination[] = [];
    let cursor: string | null = null;
    do {
      const query: { limit: number; cursor?: string } = cursor === null ? { limit: 200 } : { limit: 200, cursor };
      const page = unwrap(await client.GET("/api/v1/destinations", { params: { query }, signal }));
      all.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return all;
  },
});

export const destinationQuery = (id: string) =>
  queryOptions({
    queryKey: ["destinations", id],
    queryFn: async ({ signal }) =>
      unwrap(await client.GET("/api/v1/destinations/{id}", { params: { path: { id } }, signal })),
  });
