import createClient from "openapi-fetch";
import { noteServerTime } from "../time/clock";
import { problemOf, unreachable } from "./problem";
import type { paths } from "./schema.gen";

/** Calls the public API, as the contract types it. The session cookie goes with each call by itself. */
export const client = createClient<paths>({
  headers: { Accept: "application/json" },
  // Filters with several values are repeated: severity=HIGH&severity=LOW.
  querySerializer: { array: { style: "form", explode: true } },
});

client.use({
  onResponse({ response }) {
    noteServerTime(response.headers.get("Date"));
  },
  onError({ error }) {
    // What fetch throws when no answer comes. Told apart here: a fault of ours throws a TypeError as well.
    return error instanceof TypeError ? unreachable() : undefined;
  },
});

/** Returns the body of a 2xx, and throws a Problem for every other answer. */
export function unwrap<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (!answer.response.ok) {
    throw problemOf(answer.response, answer.error);
  }
  // A 2xx has the body that the contract gives it; a 204 has none, and T is then undefined.
  return answer.data as T;
}
