import type { Token } from "../../api/types";

/**
 * The valid tokens that a token made, directly or through others that it made, which may have been revoked since;
 * oldest first.
 */
export function madeBy(tokens: readonly Token[], id: string): Token[] {
  const made = new Set([id]);
  // A token is younger than the one that made it.
  const oldestFirst = [...tokens].sort((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
  return oldestFirst.filter((t) => {
    if (t.createdByTokenId === null || !made.has(t.createdByTokenId)) {
      return false;
    }
    made.add(t.id);
    return t.revokedAt === null;
  });
}
