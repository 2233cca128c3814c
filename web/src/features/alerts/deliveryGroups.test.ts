import { expect, test } from "vitest";
import type { DeliverySummary } from "../../api/types";
import { groupDeliveries } from "./deliveryGroups";

function delivery(name: string, more: Partial<DeliverySummary>): DeliverySummary {
  return {
    id: name,
    destination: { id: name, displayName: name, type: "sample", deleted: false },
    status: "delivered",
    reason: null,
    attempts: 1,
    maxAttempts: 11,
    dueAt: null,
    statusCode: 200,
    class: "acked",
    ...more,
  };
}

test("deliveries in the same state share a chip, and those that need someone come first", () => {
  const groups = groupDeliveries([
    delivery("A", {}),
    delivery("B", { status: "retrying", dueAt: "x" }),
    delivery("C", { status: "failed", reason: "attempts_exhausted", statusCode: 500 }),
    delivery("D", {}),
    delivery("E", { status: "retrying", dueAt: "y" }),
    delivery("F", { status: "failed", reason: "attempts_exhausted", statusCode: 404 }),
    delivery("G", { status: "held", reason: "paused" }),
  ]);
  expect(groups.map((g) => [g.first.status, g.names.join(), g.codes.join()])).toEqual([
    ["failed", "C,F", "500,404"],
    ["held", "G", ""],
    ["retrying", "B", ""],
    ["retrying", "E", ""],
    ["delivered", "A,D", ""],
  ]);
});
