import { expect, test } from "vitest";
import { axisDuration, volumeSummary } from "./points";

test("the volume is summed up in words", () => {
  const at = "2026-03-02T10:00:00Z";
  expect(volumeSummary([])).toBe("No attempts in this time.");
  expect(volumeSummary([{ since: at, acked: 0, failed: 0 }])).toBe("No attempts in this time.");
  expect(
    volumeSummary([
      { since: at, acked: 598, failed: 0 },
      { since: at, acked: 31, failed: 14 },
    ]),
  ).toBe("629 acknowledged, 14 failed.");
});

test.each([
  [0, "0 ms"],
  [80, "80 ms"],
  [1_500, "1.5 s"],
  [16_000, "16 s"],
  [180_000, "3 m"],
])("the axis calls %d ms %s", (ms, text) => {
  expect(axisDuration(ms)).toBe(text);
});
