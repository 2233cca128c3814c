import { expect, test } from "vitest";
import { numberOf, wholeError } from "./number";

test.each([
  ["0.5", 0.5],
  ["0.05", 0.05],
  [" 16 ", 16],
  [".5", 0.5],
  ["5.", 5],
  ["10000", 10_000],
])("%j is a number", (text, n) => {
  expect(numberOf(text)).toBe(n);
});

test.each(["", "-3", "1e2", "1e3", "0,5", "1,000", "5 a", "0x10", "Infinity", ".", "1.2.3"])("%j is none", (text) => {
  expect(numberOf(text)).toBeUndefined();
});

test.each(["1", "1000", "1000.0"])("%j is a whole number up to 1,000", (text) => {
  expect(wholeError(text, 1_000)).toBeUndefined();
});

test.each(["0", "1001", "1.5", "1e2", "1,000", ""])("%j is none up to 1,000", (text) => {
  expect(wholeError(text, 1_000)).toBe("A whole number from 1 to 1,000, in digits alone.");
});
