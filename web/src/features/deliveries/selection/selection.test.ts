import { describe, expect, test } from "vitest";
import {
  allShown,
  extend,
  isEmpty,
  isSelected,
  nothingSelected,
  type Selection,
  toggle,
  toggleShown,
} from "./selection";

const shown = ["a", "b", "c", "d"];
const some = (...ids: string[]): Selection => ({ all: false, ids: new Set(ids) });

describe("one", () => {
  test("goes in and out", () => {
    const one = toggle(nothingSelected, "b", shown);
    expect(one).toEqual(some("b"));
    expect(isEmpty(toggle(one, "b", shown))).toBe(true);
  });
  test("out of all leaves the others that are shown", () => {
    expect(toggle({ all: true }, "b", shown)).toEqual(some("a", "c", "d"));
  });
});

describe("with Shift", () => {
  test("all between go in, in either direction", () => {
    expect(extend(some("b"), "b", "d", shown)).toEqual(some("b", "c", "d"));
    expect(extend(some("d"), "d", "b", shown)).toEqual(some("d", "b", "c"));
  });
  test("from a row that is gone it is one click", () => {
    expect(extend(some("z"), "z", "c", shown)).toEqual(some("z", "c"));
  });
});

describe("all that are shown", () => {
  test("go in, beside what was", () => {
    expect(toggleShown(some("z"), shown)).toEqual(some("z", ...shown));
  });
  test("go out when all are in", () => {
    expect(isEmpty(toggleShown(some(...shown), shown))).toBe(true);
    expect(isEmpty(toggleShown({ all: true }, shown))).toBe(true);
  });
  test("are not all when there are none", () => {
    expect(allShown(nothingSelected, [])).toBe(false);
    expect(allShown({ all: true }, shown)).toBe(true);
  });
});

test("what matches and is not loaded is selected, too, once all are", () => {
  expect(isSelected({ all: true }, "not shown")).toBe(true);
  expect(isSelected(some("a"), "b")).toBe(false);
});
