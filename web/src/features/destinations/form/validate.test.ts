import { describe, expect, test } from "vitest";
import type { Destination } from "../../../api/types";
import type { HeaderField } from "../fields/headers";
import { type FormValues, newForm } from "./form";
import { urlError, validate } from "./validate";

const good: FormValues = { ...newForm, displayName: "SOAR", url: "https://soar.example.com/hooks" };
const header = (name: string, value: string, stored: HeaderField["stored"] = "no"): HeaderField => ({
  key: `${name} ${value}`,
  name,
  value,
  stored,
});
const pathsOf = (v: Partial<FormValues>, saved?: Destination) => [...validate({ ...good, ...v }, saved, []).keys()];
// Of a destination only what the rules look at.
const stored = (url: string) => ({ displayName: "SOAR", settings: { url, headers: [] } }) as unknown as Destination;

test("a form as it should be has no errors", () => {
  expect(pathsOf({})).toEqual([]);
  expect(pathsOf({ severities: [], logTypes: [], headers: [header("", "")] })).toEqual([]);
});

test.each([
  ["", "Enter the URL"],
  ["soar.example.com/x", "Must start with"],
  ["ftp://soar.example.com", "Must start with"],
  ["https://", "Must have a host"],
  ["https:///path", "Must have a host"],
  ["https://a b.example.com", "no spaces"],
  ["https://user:pw@soar.example.com", "user name or password"],
  ["https://soar.example.com/#part", "fragment"],
  ["https://soar.example.com:0/", "port"],
  ["https://soar.example.com:99999", "port"],
  ["https://soar.example.com:/", "port"],
  ["https://so!ar.example.com", "host may have"],
  [`https://soar.example.com/${"x".repeat(2048)}`, "At most 2048"],
])("the URL %j is refused", (url, message) => {
  expect(urlError(url)).toContain(message);
});

test.each([
  "https://soar.example.com",
  "HTTP://soar.example.com:8080/a?b=c@d",
  "http://127.0.0.1:18081/ok",
  "https://[2001:db8::1]:8443/x",
  "https://bücher.example/x",
  "https://under_score.example.com",
])("the URL %j passes", (url) => {
  expect(urlError(url)).toBeUndefined();
});

describe("names", () => {
  test.each(["", "   ", "skip", "x".repeat(101), "a\nb", "01934f3c-2d6e-7a40-8a1c-55d0e1a7b001"])(
    "%j is refused",
    (n) => {
      expect(pathsOf({ displayName: n })).toEqual(["displayName"]);
    },
  );

  test("another destination's is refused, ignoring case", () => {
    expect(validate({ ...good, displayName: "soar " }, undefined, [stored("")]).get("displayName")).toContain(
      "Another",
    );
  });
});

describe("headers", () => {
  test.each([
    ["a name that is no token", [header("X Key", "v")], ["settings.headers[0].name"]],
    [
      "a reserved name",
      [header("Content-Type", "v"), header("webhook-id", "v")],
      ["settings.headers[0].name", "settings.headers[1].name"],
    ],
    ["one name twice", [header("X-Key", "1"), header("x-key", "2")], ["settings.headers[1].name"]],
    ["no value", [header("X-Key", " ")], ["settings.headers[0].value"]],
    ["a line break", [header("X-Key", "a\nb")], ["settings.headers[0].value"]],
    ["no name", [header("", "v")], ["settings.headers[0].name"]],
    ["more than 20", Array.from({ length: 21 }, (_, n) => header(`X-${n}`, "v")), ["settings.headers"]],
  ])("%s is refused", (_name, headers, want) => {
    expect(pathsOf({ headers })).toEqual(want);
  });

  test("rows that are left empty or removed do not count in the paths", () => {
    expect(pathsOf({ headers: [header("", ""), header("X-Old", "", "remove"), header("X-Key", "")] })).toEqual([
      "settings.headers[0].value",
    ]);
  });

  test("a kept value is not sent to a new host", () => {
    const headers = [header("X-Key", "", "keep")];
    const to = (url: string) => pathsOf({ url, headers }, stored("https://soar.example.com"));
    expect(to("https://soar.example.com/other")).toEqual([]);
    expect(to("https://soar.example.com:443/other")).toEqual([]);
    expect(to("https://elsewhere.example.com/")).toEqual(["settings.headers"]);
    expect(to("http://soar.example.com/")).toEqual(["settings.headers"]);
  });
});

test("filters and limits have their bounds", () => {
  expect(pathsOf({ alertTypes: [] })).toEqual(["alertTypes"]);
  expect(pathsOf({ logTypes: Array.from({ length: 101 }, (_, n) => `T${n}`) })).toEqual(["logTypes"]);
  expect(pathsOf({ maxInFlight: "0" })).toEqual(["limits.maxInFlight"]);
  expect(pathsOf({ maxInFlight: "1001" })).toEqual(["limits.maxInFlight"]);
  expect(pathsOf({ ratePerSecond: "1", burst: "1.5" })).toEqual(["limits.burst"]);
  expect(pathsOf({ ratePerSecond: " ", burst: "0" })).toEqual([]);
});

test.each(["0.5", "0.05", "0.01", "10000", " 5 "])("a rate can be %j", (ratePerSecond) => {
  expect(pathsOf({ ratePerSecond })).toEqual([]);
});

test.each(["0", "0.009", "10001", "-3", "1e2", "0,5", "1,000", "five"])("a rate cannot be %j", (ratePerSecond) => {
  expect(pathsOf({ ratePerSecond })).toEqual(["limits.ratePerSecond"]);
});
