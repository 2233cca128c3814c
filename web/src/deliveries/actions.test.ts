import { expect, test } from "vitest";
import type { DeliveryStatus } from "../api/types";
import { actionOf } from "./actions";
import { partsOf } from "./timing";

const destination = { id: "d", displayName: "SOAR", type: "webhook" as const, deleted: false };

test.each<[DeliveryStatus, string]>([
  ["retrying", "Send now"],
  ["held", "Re-send"],
  ["failed", "Re-send"],
  ["cancelled", "Re-send"],
  ["delivered", "Send again"],
])("a delivery that is %s can be sent by %s", (status, label) => {
  expect(actionOf({ status, destination })).toEqual(expect.objectContaining({ label }));
  expect(actionOf({ status, destination }).mayNot).toBeUndefined();
});

test("what cannot be done says why", () => {
  expect(actionOf({ status: "queued", destination }).mayNot).toMatch(/queued/);
  expect(actionOf({ status: "failed", destination: { ...destination, deleted: true } }).mayNot).toMatch(/deleted/);
});

test("the parts of an attempt follow one another, and what is left over is shown", () => {
  expect(partsOf({ dnsMs: 2, connectMs: 3, tlsMs: 0, firstByteMs: 40, bodyMs: 1 }, 50)).toEqual([
    { name: "DNS", from: 0, ms: 2 },
    { name: "Connect", from: 2, ms: 3 },
    { name: "Waiting for the answer", from: 5, ms: 40 },
    { name: "Reading the answer", from: 45, ms: 1 },
    { name: "Else", from: 46, ms: 4 },
  ]);
});
