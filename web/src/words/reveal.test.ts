import { expect, test } from "vitest";
import { revealed } from "./reveal";

test("what cannot be seen is said", () => {
  expect(["SOAR 1", "Pager\u200bDuty", "a\u202e", "a\nb"].map(revealed)).toEqual([
    "SOAR 1",
    "Pager[U+200B]Duty",
    "a[U+202E]",
    "a[U+000A]b",
  ]);
});
