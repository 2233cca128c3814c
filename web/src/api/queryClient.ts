import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { asProblem } from "./problem";
import { sessionKey } from "./session";

/** Returns the cache in which all server data lives. */
export function newQueryClient(): QueryClient {
  // Whatever call finds out that the session has ended, the shell is told through the session's own entry.
  const noteSessionEnd = (error: unknown) => {
    if (asProblem(error).code === "unauthenticated") {
      queries.setQueryData(sessionKey, null);
    }
  };
  const queries: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError: noteSessionEnd }),
    mutationCache: new MutationCache({ onError: noteSessionEnd }),
    defaultOptions: {
      queries: {
        // What changes is told by events (see live/); this is for what is not.
        staleTime: 30_000,
        retry: (failures, error) => asProblem(error).passing && failures < 2,
        retryDelay: (failures) => 500 * 2 ** failures,
        // Belfry may be on this very machine: that there is no network says nothing of it. Whoever asks is told.
        networkMode: "always",
        refetchOnReconnect: true, // which is off by itself in that mode
      },
      mutations: { retry: false, networkMode: "always" },
    },
  });
  return queries;
}
