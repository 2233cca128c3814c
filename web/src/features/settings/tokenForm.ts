import { may } from "../../api/session";
import type { TokenInput } from "../../api/tokens";
import { type Scope, scopes } from "../../api/types";

/** What is in the form of a new token. */
export type TokenForm = { name: string; scopes: readonly Scope[] };

export const emptyTokenForm: TokenForm = { name: "", scopes: [] };

/** Whether a scope comes with another that is chosen. */
export function isIncluded(chosen: readonly Scope[], scope: Scope): boolean {
  return may(
    chosen.filter((s) => s !== scope),
    scope,
  );
}

/** Takes a scope in or out; those that another one brings along need no naming. */
export function toggleScope(chosen: readonly Scope[], scope: Scope): Scope[] {
  const next = scopes.filter((s) => (s === scope ? !chosen.includes(s) : chosen.includes(s)));
  return next.filter((s) => !isIncluded(next, s));
}

/** What is missing, by field; empty when the form can be sent. */
export function tokenErrors(form: TokenForm): { name?: string; scopes?: string } {
  const length = [...form.name.trim()].length;
  return {
    ...(length === 0 ? { name: "Say who or what will use it." } : {}),
    ...(length > 100 ? { name: "At most 100 characters." } : {}),
    ...(form.scopes.length === 0 ? { scopes: "Choose what it may do." } : {}),
  };
}

export function tokenInput(form: TokenForm): TokenInput {
  return { name: form.name.trim(), scopes: [...form.scopes] };
}
