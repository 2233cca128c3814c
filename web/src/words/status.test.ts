import { expect, test } from "vitest";
import { type DeliveryState, outcomeWord, statusText } from "./status";

const now = Date.parse("2026-03-02T12:00:00Z");
const due = (ms: number) => new Date(now + ms).toISOString();

test.each<[DeliveryState, string]>([
  [{ status: "queued", reason: null, dueAt: due(0) }, "Queued"],
  [{ status: "retrying", reason: null, dueAt: due(252_000) }, "Retrying in 4 m 12 s"],
  [{ status: "retrying", reason: null, dueAt: due(400) }, "Retrying in 1 s"],
  [{ status: "retrying", reason: null, dueAt: due(0) }, "Retrying now"],
  [{ status: "retrying", reason: null, dueAt: due(-90_000) }, "Retrying now"],
  [{ status: "held", reason: "failing", dueAt: due(0) }, "Held: destination failing"],
  [{ status: "held", reason: "paused", dueAt: due(0) }, "Held: paused"],
  [{ status: "delivered", reason: null, dueAt: null }, "Delivered"],
  [{ status: "failed", reason: "attempts_exhausted", dueAt: null }, "Failed"],
  [{ status: "failed", reason: "rejected", dueAt: null }, "Failed: rejected for good"],
  [{ status: "failed", reason: "expired", dueAt: null }, "Failed: expired"],
  [{ status: "cancelled", reason: "by_person", dueAt: null }, "Cancelled: by a person"],
])("%o says %s", (state, text) => {
  expect(statusText(state, now)).toBe(text);
});

test("an outcome is the HTTP code when an answer came, else what went wrong", () => {
  expect(outcomeWord("rejected", 503)).toBe("503");
  expect(outcomeWord("dns", null)).toBe("DNS");
  expect(outcomeWord("timeout", null)).toBe("Timeout");
});
