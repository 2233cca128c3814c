import { expect, test } from "vitest";
import { client, unwrap } from "./client";
import { asProblem, Problem, problemOf, unreachable } from "./problem";
import { may } from "./session";

const answer = (status: number, headers = {}) => new Response(null, { status, headers });

test("a problem keeps its code, its request and its fields", () => {
  const p = problemOf(answer(422), {
    type: "/docs#error-invalid",
    title: "Unprocessable Entity",
    status: 422,
    code: "invalid",
    detail: "One field is wrong.",
    requestId: "4f6f",
    errors: [{ field: "settings.url", code: "format", message: "must be http or https" }],
  });
  expect([p.status, p.code, p.requestId, p.message, p.passing]).toEqual([
    422,
    "invalid",
    "4f6f",
    "One field is wrong.",
    false,
  ]);
  expect(p.field("settings.url")).toBe("must be http or https");
  expect(p.field("displayName")).toBeUndefined();
});

test("who is not signed in is told to sign in, not of a header", () => {
  const detail = "Send a valid API token as `Authorization: Bearer …`, or sign in.";
  const p = problemOf(answer(401), { status: 401, code: "unauthenticated", detail, requestId: "4f6f" });
  expect([p.message, p.requestId]).toEqual(["Your session has ended: sign in.", "4f6f"]);
});

test("an answer that is not Belfry's is said to be so", () => {
  for (const body of [undefined, null, "<html>", {}, { code: 1 }]) {
    const p = problemOf(answer(502, { "X-Request-Id": "abc" }), body);
    expect([p.status, p.code, p.requestId, p.passing]).toEqual([502, "unreadable", "abc", true]);
    expect(p.message).toContain("502");
  }
});

test("no answer is a problem that passes", () => {
  const p = unreachable();
  expect([p.code, p.passing, p.requestId]).toEqual(["unreachable", true, ""]);
  const own = new Problem({ status: 404, code: "not_found", detail: "x" });
  expect(asProblem(own)).toBe(own);
  expect(asProblem("?").message).not.toBe("");
});

test("a fault of our own is not said to be the connection's", async () => {
  expect(asProblem(new TypeError("e.filter is not a function")).message).toBe("Something went wrong in this page.");
  const fetch = () => Promise.reject(new TypeError("Failed to fetch"));
  await expect(client.GET("/api/v1/session", { fetch })).rejects.toMatchObject({ code: "unreachable" });
});

test("a 2xx is its body, all else is thrown", () => {
  expect(unwrap({ data: { a: 1 }, response: answer(200) })).toEqual({ a: 1 });
  expect(() => unwrap({ error: {}, response: answer(500) })).toThrow(Problem);
});

test("scopes include others as the contract says", () => {
  expect(may(["admin"], "operate") && may(["operate"], "read") && may(["admin"], "ingest")).toBe(true);
  expect(may(["read"], "operate") || may(["ingest"], "read") || may([], "read")).toBe(false);
});
