import { expect, test } from "vitest";
import { openCount } from "./open";

const exact = (count: number) => ({ count, capped: false });
const counts = {
  queued: exact(1),
  retrying: exact(2),
  held: exact(4),
  delivered: { count: 5000, capped: true },
  failed: exact(16),
  cancelled: exact(0),
};

test("what is open is exact however many were delivered", () => {
  expect(openCount(counts)).toEqual({ n: 7, more: false });
  expect(openCount({ ...counts, held: { count: 4, capped: true } })).toEqual({ n: 7, more: true });
});
