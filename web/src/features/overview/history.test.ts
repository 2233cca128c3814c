import { expect, test } from "vitest";
import { percent, sumHours, totalsOf } from "./history";

const hour = (since: string, acked: number, failed: number, p50Ms: number | null, p95Ms: number | null) => ({
  since,
  acked,
  failed,
  p50Ms,
  p95Ms,
});
const [ten, eleven] = ["2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z"];

test("hours are summed up by their time", () => {
  expect(
    sumHours([
      [hour(ten, 90, 0, 10, 20), hour(eleven, 0, 0, null, null)],
      [hour(ten, 5, 5, 900, 2_000), hour(eleven, 0, 0, null, null)],
    ]),
  ).toEqual([
    { since: ten, acked: 95, failed: 5, p50Ms: 10, p95Ms: 2_000 },
    { since: eleven, acked: 0, failed: 0, p50Ms: null, p95Ms: null },
  ]);
  expect(sumHours([])).toEqual([]);
});

test("the median is that of where most attempts are", () => {
  expect(sumHours([[hour(ten, 10, 0, 10, 20)], [hour(ten, 0, 90, 900, 901)]])[0]?.p50Ms).toBe(900);
});

test("the share is of all attempts, not of the destinations", () => {
  const stats = { failed: 0, successRate: null, p50Ms: null, p95Ms: null };
  expect(
    totalsOf([
      { ...stats, attempts: 98, acked: 98 },
      { ...stats, attempts: 2, acked: 0 },
    ]).rate,
  ).toBe(0.98);
  expect(totalsOf([]).rate).toBeNull();
});

test.each([
  [1, "100 %"],
  [0.99999, "99.9 %"],
  [0.978125, "97.8 %"],
  [0.0001, "0.1 %"],
  [0, "0 %"],
  [null, "–"],
])("%d is %s", (rate, text) => {
  expect(percent(rate)).toBe(text);
});
