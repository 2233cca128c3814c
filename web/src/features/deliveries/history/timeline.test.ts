import { describe, expect, test } from "vitest";
import type { AttemptSummary } from "../../../api/types";
import { nextStep, stepsOf } from "./timeline";

const start = Date.parse("2026-03-02T12:00:00Z");
const at = (s: number) => new Date(start + s * 1_000).toISOString();
const waits = [5_000, 30_000, 120_000];

function attempt(n: number, s: number, more: Partial<AttemptSummary> = {}): AttemptSummary {
  return {
    id: `a${n}`,
    number: n,
    run: 1,
    trigger: "automatic",
    requestedBy: null,
    startedAt: at(s),
    durationMs: 1_000,
    class: "rejected",
    statusCode: 500,
    error: null,
    waitReason: null,
    waitedMs: null,
    counted: true,
    responseBody: "",
    responseStorage: "full",
    responseBodyBase64: null,
    responseTruncated: false,
    responseSize: 0,
    ...more,
  };
}

const whys = (...attemptHistory: AttemptSummary[]) =>
  stepsOf({ attemptHistory, createdAt: at(0) })
    .reverse()
    .map((s) => s.why);

describe("why an attempt came when it did", () => {
  test("the first at once, the next as its stored reason says", () => {
    expect(
      whys(
        attempt(1, 0),
        attempt(2, 6.2, { waitReason: "schedule" }),
        attempt(3, 67.2, { waitReason: "retry_after" }),
        attempt(4, 188.2, { waitReason: "held", class: "interrupted", counted: false }),
        attempt(5, 190.2, { waitReason: "our_side" }),
      ),
    ).toEqual([
      undefined,
      "waited 5 s, as scheduled",
      "waited 1 m, as the destination asked",
      "waited 2 m, because the delivery was held",
      "waited 1 s, because Belfry’s own side had failed",
    ]);
  });
  test("the first that was held", () => {
    expect(whys(attempt(1, 60, { waitReason: "held" }))[0]).toBe(
      "started 1 m after it was opened, because the delivery was held",
    );
  });
  test("without a stored reason only the wait is told", () => {
    expect(whys(attempt(1, 60), attempt(2, 66))).toEqual(["started 1 m after it was opened", "waited 5 s"]);
  });
  test("a person asked for it", () => {
    expect(whys(attempt(1, 0), attempt(2, 3, { trigger: "send_now", requestedBy: "ada" }))[1]).toBe(
      "ada sent it now, 2 s after the one before",
    );
    expect(whys(attempt(1, 0), attempt(2, 9, { trigger: "resend", requestedBy: "ada", run: 2 }))[1]).toBe(
      "ada re-sent it: run 2 opens",
    );
  });
});

describe("what is still to come", () => {
  const delivery = { status: "retrying" as const, dueAt: at(10), attempts: 2, maxAttempts: 4 };
  test("the next try, and when the last one would be", () => {
    expect(nextStep(delivery, waits, start)).toEqual({
      title: "Try 3 of 4",
      dueAt: at(10),
      givesUpAt: start + 10_000 + 120_000,
    });
  });
  test("an overdue one gives up later", () => {
    expect(nextStep(delivery, waits, start + 60_000)?.givesUpAt).toBe(start + 60_000 + 120_000);
  });
  test("of another schedule, and of a held one, nobody can say when it ends", () => {
    expect(nextStep(delivery, [1], start)?.givesUpAt).toBeUndefined();
    expect(nextStep({ ...delivery, status: "held" }, waits, start)?.givesUpAt).toBeUndefined();
  });
  test("of a held one no time that is past is told", () => {
    const held = { ...delivery, status: "held" as const };
    expect(nextStep(held, waits, start)?.dueAt).toBe(at(10));
    expect(nextStep(held, waits, start + 10_000)?.dueAt).toBeNull();
  });
  test("nothing, once it is final", () => {
    expect(nextStep({ ...delivery, status: "failed", dueAt: null }, waits, start)).toBeUndefined();
  });
});
