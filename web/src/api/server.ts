import { queryOptions } from "@tanstack/react-query";
import { client, unwrap } from "./client";

/** The server and how it is set up. */
export const serverQuery = queryOptions({
  queryKey: ["server"],
  queryFn: async ({ signal }) => unwrap(await client.GET("/api/v1/server", { signal })),
  staleTime: 5 * 60_000,
});
