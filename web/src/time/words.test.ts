import { describe, expect, test } from "vitest";
import { duration, parseWait, relative, span } from "./words";

test.each([
  [0, "0 s"],
  [-5_000, "0 s"],
  [999, "0 s"],
  [12_345, "12 s"],
  [252_000, "4 m 12 s"],
  [240_000, "4 m"],
  [3_900_000, "1 h 5 m"],
  [3 * 86_400_000, "3 d"],
  [90_000_000, "1 d 1 h"],
])("a span of %d ms is %s", (ms, text) => {
  expect(span(ms)).toBe(text);
});

test.each([
  [0, "0 ms"],
  [0.04, "0.1 ms"],
  [0.84, "0.8 ms"],
  [3.66, "3.7 ms"],
  [46.5, "47 ms"],
  [999.6, "1.00 s"],
  [1_254, "1.25 s"],
  [15_000, "15.0 s"],
  [65_000, "1 m 5 s"],
])("%d ms took %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

describe("relative", () => {
  const now = Date.parse("2026-03-02T12:00:00Z");
  test.each([
    [0, "just now"],
    [-4_000, "just now"],
    [-59_000, "59 s ago"],
    [-3_600_000, "1 h ago"],
    [120_000, "in 2 m"],
    [3 * 86_400_000, "in 3 d"],
  ])("%d ms from now is %s", (ms, text) => {
    expect(relative(now + ms, now)).toBe(text);
  });
});

test.each([
  ["5s", 5_000],
  ["100ms", 100],
  ["2m", 120_000],
  ["1m0s", 60_000],
  ["1h30m", 5_400_000],
  ["1.5s", 1_500],
])("the wait %s is %d ms", (text, ms) => {
  expect(parseWait(text)).toBe(ms);
});
