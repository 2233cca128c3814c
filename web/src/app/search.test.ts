import { describe, expect, test } from "vitest";
import { alertFilters, alertPageSearch, alertsSearch } from "../features/alerts/search";
import { parseSearch, rangeAt, stringifySearch } from "./search";

test("a search goes into the URL and comes back", () => {
  const search = { q: "a b&c=1", severity: ["HIGH", "LOW"], last: "24h" };
  const text = stringifySearch({ ...search, none: undefined, empty: "" });
  expect(text).toBe("?q=a+b%26c%3D1&severity=HIGH&severity=LOW&last=24h");
  expect(parseSearch(text)).toEqual(search);
  expect(stringifySearch({})).toBe("");
});

describe("the filters of alerts", () => {
  const id = "01934f3c-2d6e-7a40-8a1c-55d0e1a7b001";
  test("what makes sense stays, in one order", () => {
    expect(
      alertsSearch(
        parseSearch(
          `?severity=LOW,HIGH&severity=LOUD&type=RULE&logType=AWS.VPCFlow&status=failed&destination=${id}&q=x`,
        ),
      ),
    ).toEqual({
      q: "x",
      severity: ["HIGH", "LOW"],
      type: ["RULE"],
      logType: ["AWS.VPCFlow"],
      status: ["failed"],
      destination: id,
    });
  });
  test("what makes no sense is left out", () => {
    expect(
      alertsSearch(parseSearch("?severity=&destination=x&unrouted=perhaps&last=1y&from=never&status=sending&z=1")),
    ).toEqual({});
  });
  test("they are what the API takes", () => {
    const now = Date.parse("2026-03-02T12:00:00Z");
    expect(alertFilters({ status: ["failed"], unrouted: "false", last: "1h", destination: id }, now)).toEqual({
      deliveryStatus: ["failed"],
      unrouted: false,
      destinationId: id,
      from: "2026-03-02T11:00:00.000Z",
    });
  });
  test("an attempt is open only within a delivery", () => {
    expect(alertPageSearch({ attempt: id })).toEqual({});
    expect(alertPageSearch({ delivery: id, attempt: id })).toEqual({ delivery: id, attempt: id });
  });
});

test("a range is the last so-and-so long, or from and to", () => {
  expect(rangeAt({ last: "15m", from: "2020-01-01T00:00:00Z" }, 900_000)).toEqual({ from: "1970-01-01T00:00:00.000Z" });
  expect(rangeAt({ to: "2020-01-01T00:00:00Z" }, 0)).toEqual({ to: "2020-01-01T00:00:00Z" });
});
