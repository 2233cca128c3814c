import { describe, expect, test } from "vitest";
import type { Token } from "../../api/types";
import { parseSearch } from "../../app/search";
import { actionWord, nameIn } from "./auditWords";
import { madeBy } from "./lineage";
import { auditFilters, settingsSearch } from "./search";
import { browserWord } from "./sessionWords";
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

describe("what a token made", () => {
  const token = (id: string, createdByTokenId: string | null, revokedAt: string | null = null): Token => ({
    id,
    name: id,
    scopes: ["admin"],
    createdAt: `2026-01-01T00:00:0${id.length}Z`,
    createdBy: "",
    createdByTokenId,
    lastUsedAt: null,
    revokedAt,
  });
  // Newest first, as the API lists them. Each name is as long as its line of makers.
  const tokens = [
    token("abcd", "abc"),
    token("abc", "ab", "2026-01-02T00:00:00Z"),
    token("ab", "a"),
    token("ac", "a"),
    token("xy", "x"),
    token("x", null),
    token("a", null),
  ];
  const names = (id: string) => madeBy(tokens, id).map((t) => t.name);
  test("is all that is valid, also through what was revoked", () => {
    expect(names("a")).toEqual(["ab", "ac", "abcd"]);
    expect(names("abc")).toEqual(["abcd"]);
    expect(names("abcd")).toEqual([]);
  });
});

test("a browser is told by its own name", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
  expect(browserWord(chrome)).toBe("Chrome on Linux");
  expect(browserWord(`${chrome} Edg/140.0`)).toBe("Edge on Linux");
  expect(browserWord("Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0")).toBe(
    "Firefox on Windows",
  );
  expect(browserWord("curl/8.5")).toBe("curl/8.5");
  expect(browserWord("x".repeat(50))).toBe(`${"x".repeat(40)}…`);
  expect(browserWord("")).toBe("unknown browser");
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
