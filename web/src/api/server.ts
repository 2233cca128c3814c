import { queryOptions } from "@tanstack/react-query";
import { client, unwrap } from "./client";

/** The server and how it is set up. */
export const serverQuery = queryOptions({
  queryKey: ["server"],
  queryFn: async ({ signal }) => unwrap(await client.GET("/api/v1/server", { signal })),
  staleTime: 5 * 60_000,
});

/** Whether the replica that answers is ready, and what was checked. That it is not comes as a 503 with the same body. */
export const readinessQuery = queryOptions({
  queryKey: ["server", "ready"],
  queryFn: async ({ signal }) => {
    const answer = await client.GET("/readyz", { signal });
    if (answer.error !== undefined && "checks" in answer.error) {
      return answer.error;
    }
    return unwrap(answer);
  },
  staleTime: 0,
  refetchInterval: 10_000,
});
