import { expect, test } from "vitest";
import type { DeliveryReason, DeliveryStatus } from "../../../api/types";
import { partsOf } from "../attempt/timing";
import { actionOf } from "./actions";

const destination = { id: "d", displayName: "SOAR", type: "sample", deleted: false };

test.each<[DeliveryStatus, DeliveryReason | null, string, string | undefined]>([
  ["retrying", null, "Send now", undefined],
  ["held", "busy", "Send now", undefined],
  ["held", "our_side", "Send now", undefined],
  ["held", "paused", "Send now", "is paused"],
  ["held", "failing", "Send now", "keeps failing"],
  ["failed", "attempts_exhausted", "Re-send", undefined],
  ["failed", "rejected", "Re-send", undefined],
  ["cancelled", "by_person", "Re-send", undefined],
  ["delivered", null, "Send again", "a second time"],
])("a delivery that is %s (%s) can be sent by %s", (status, reason, label, asks) => {
  const action = actionOf({ status, reason, destination });
  expect([action.label, action.mayNot]).toEqual([label, undefined]);
  expect(action.asks ?? "").toContain(asks ?? "");
  expect(action.asks === undefined).toBe(asks === undefined);
});

test("what cannot be done says why", () => {
  const mayNot = (status: DeliveryStatus, reason: DeliveryReason | null, deleted = false) =>
    actionOf({ status, reason, destination: { ...destination, deleted } }).mayNot;
  expect(mayNot("queued", null)).toMatch(/queued/);
  expect(mayNot("held", "misconfigured")).toMatch(/settings/);
  expect(mayNot("failed", null, true)).toMatch(/deleted/);
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
