import { type QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import { client, unwrap } from "./client";
import { asProblem, Problem } from "./problem";
import type { Scope, Session } from "./types";

export const sessionKey = ["session"] as const;

/** Who is signed in; `null` when nobody is, or no longer. */
export const sessionQuery = queryOptions({
  queryKey: sessionKey,
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return unwrap(await client.GET("/api/v1/session", { signal }));
    } catch (error) {
      if (error instanceof Problem && error.code === "unauthenticated") {
        return null;
      }
      throw error;
    }
  },
  staleTime: 5 * 60_000,
});

/** Whether Belfry can be reached, and whether the session goes on. */
export type Reach = "well" | "unreachable" | "ended";

/** Asks for the session anew, the cheapest call that needs one. What it finds of the session is shown by the shell. */
export async function reach(queries: QueryClient): Promise<Reach> {
  try {
    const session = await queries.fetchQuery({ ...sessionQuery, staleTime: 0, retry: false });
    return session === null ? "ended" : "well";
  } catch (error) {
    const { code } = asProblem(error);
    // Whoever answered without being Belfry stands between us and it.
    return code === "unreachable" || code === "unreadable" ? "unreachable" : "well";
  }
}

/** Where to sign in, to come back to this page. */
export function signInPath(back: string): string {
  return back === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(back)}`;
}

export async function signOut(): Promise<void> {
  unwrap(await client.DELETE("/api/v1/session"));
}

const includes: Record<Scope, readonly Scope[]> = {
  ingest: ["ingest"],
  read: ["read"],
  operate: ["operate", "read"],
  admin: ["admin", "operate", "read", "ingest"],
};

/** Whether a caller with these scopes may make calls that need one. */
export function may(scopes: readonly Scope[], needed: Scope): boolean {
  return scopes.some((s) => includes[s].includes(needed));
}

/**
 * Returns why whoever is signed in may not do what needs a scope, or undefined when they may. Buttons show it as
 * the reason that they are disabled.
 */
export function useMayNot(needed: Scope): string | undefined {
  const { data: session } = useQuery(sessionQuery);
  if (!session || may(session.scopes, needed)) {
    return undefined;
  }
  return `You are signed in as ${session.name}, which may not do this: it needs the scope “${needed}”.`;
}
