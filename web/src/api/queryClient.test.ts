import { expect, test } from "vitest";
import { Problem } from "./problem";
import { newQueryClient } from "./queryClient";
import { sessionKey } from "./session";

test.each([
  { code: "unauthenticated", status: 401, ends: true },
  { code: "forbidden", status: 403, ends: false },
  { code: "unavailable", status: 503, ends: false },
] as const)("of $code, whatever call is told so, the session ends: $ends", async ({ code, status, ends }) => {
  const refused = () => Promise.reject(new Problem({ status, code, detail: "refused" }));
  for (const call of ["query", "mutation"]) {
    const queries = newQueryClient();
    queries.setQueryData(sessionKey, { name: "analyst" });
    const made =
      call === "query"
        ? queries.fetchQuery({ queryKey: ["x"], queryFn: refused, retry: false })
        : queries.getMutationCache().build(queries, { mutationFn: refused }).execute(undefined);
    await expect(made).rejects.toThrow("refused");
    expect([call, queries.getQueryData(sessionKey)]).toEqual([call, ends ? null : { name: "analyst" }]);
  }
});
