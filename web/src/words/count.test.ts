import { expect, test } from "vitest";
import { countWord, noneOf } from "./count";

test("only what may be more has a plus", () => {
  expect(countWord({ count: 5000, capped: true })).toBe("5,000+");
  expect(countWord({ count: 26, capped: false })).toBe("26");
  expect(countWord({ count: 0, capped: false })).toBe("0");
});

test("a zero is none only when it is exact", () => {
  expect(noneOf({ count: 0, capped: false })).toBe(true);
  expect(noneOf({ count: 0, capped: true })).toBe(false);
  expect(noneOf({ count: 1, capped: false })).toBe(false);
});
