import { queryOptions } from "@tanstack/react-query";
import { client, unwrap } from "./client";

export const sessionsKey = ["sessions"] as const;

/** The open sessions that whoever is signed in may end, newest first. */
export const sessionsQuery = queryOptions({
  queryKey: sessionsKey,
  queryFn: async ({ signal }) => unwrap(await client.GET("/api/v1/sessions", { signal })).items,
});

export async function endSession(id: string): Promise<void> {
  unwrap(await client.DELETE("/api/v1/sessions/{id}", { params: { path: { id } } }));
}
