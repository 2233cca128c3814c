import { expect, test } from "vitest";
import { noteServerTime, now } from "./clock";

test("a browser whose clock is minutes off counts by the server's", () => {
  noteServerTime(new Date(Date.now() + 300_000).toUTCString());
  expect(Math.abs(now() - Date.now() - 300_000)).toBeLessThan(1_500);
  noteServerTime(null);
  noteServerTime("rubbish");
  expect(Math.abs(now() - Date.now() - 300_000)).toBeLessThan(1_500);
  noteServerTime(new Date().toUTCString());
  expect(Math.abs(now() - Date.now())).toBeLessThan(100);
});
