import { describe, expect, test } from "vitest";
import { parseSearch } from "../app/search";
import { actionWord, nameIn } from "./auditWords";
import { auditFilters, settingsSearch } from "./search";
import { isIncluded, toggleScope, tokenErrors, tokenInput } from "./tokenForm";

describe("the form of a token", () => {
  test("a scope brings others along, which then need no naming", () => {
    expect(toggleScope(["read"], "operate")).toEqual(["operate"]);
    expect(toggleScope(["ingest", "operate"], "admin")).toEqual(["admin"]);
    expect(toggleScope(["ingest"], "read")).toEqual(["ingest", "read"]);
    expect(toggleScope(["admin"], "admin")).toEqual([]);
    expect(isIncluded(["operate"], "read")).toBe(true);
    expect(isIncluded(["operate"], "ingest")).toBe(false);
    expect(isIncluded(["read"], "read")).toBe(false);
  });
  test("says all that is missing at once", () => {
    expect(Object.keys(tokenErrors({ name: "  ", scopes: [] }))).toEqual(["name", "scopes"]);
    expect(tokenErrors({ name: "😀".repeat(100), scopes: ["read"] })).toEqual({});
    expect(tokenErrors({ name: "x".repeat(101), scopes: ["read"] }).name).toMatch(/100/);
  });
  test("is sent without the spaces around the name", () => {
    expect(tokenInput({ name: " detection engine ", scopes: ["ingest"] })).toEqual({
      name: "detection engine",
      scopes: ["ingest"],
    });
  });
});

test("the filters of the audit log are in the URL of its tab only", () => {
  expect(settingsSearch(parseSearch("?tab=audit&subject=token&id=x&last=1h&z=1"))).toEqual({
    tab: "audit",
    subject: "token",
    id: "x",
    last: "1h",
  });
  expect(settingsSearch(parseSearch("?tab=server&subject=token"))).toEqual({ tab: "server" });
  expect(settingsSearch(parseSearch("?tab=none&subject=user"))).toEqual({});
});

test("they are what the API takes", () => {
  expect(auditFilters({ subject: "alert", id: "a-1", last: "1h" }, Date.parse("2026-03-02T12:00:00Z"))).toEqual({
    subjectType: "alert",
    subjectId: "a-1",
    from: "2026-03-02T11:00:00.000Z",
  });
});

test("an entry is told in words, and one that is not known as it is", () => {
  expect(actionWord("delivery.resend")).toBe("re-sent a delivery");
  expect(actionWord("destination.explode")).toBe("destination.explode");
  expect(nameIn({ displayName: "SOAR" })).toBe("SOAR");
  expect(nameIn({ name: 7 })).toBeUndefined();
});
