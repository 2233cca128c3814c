import { queryOptions } from "@tanstack/react-query";
import { client, unwrap } from "./client";
import type { components } from "./schema.gen";

export const tokensKey = ["tokens"] as const;

/** All tokens, newest first, revoked ones too. */
export const tokensQuery = queryOptions({
  queryKey: tokensKey,
  queryFn: async ({ signal }) => unwrap(await client.GET("/api/v1/tokens", { signal })).items,
});

export type TokenInput = components["schemas"]["TokenInput"];

/** Makes a token. The answer has the token itself, this once. */
export async function createToken(body: TokenInput) {
  return unwrap(await client.POST("/api/v1/tokens", { body }));
}

/** Revokes a token and, with `cascade`, those that it made. */
export async function revokeToken({ id, cascade }: { id: string; cascade: boolean }) {
  return unwrap(await client.DELETE("/api/v1/tokens/{id}", { params: { path: { id }, query: { cascade } } }));
}
