import { type DeliverySummary, deliveryStatuses } from "../../api/types";

/** Deliveries in the same state, which share a chip. */
export type DeliveryGroup = { first: DeliverySummary; names: string[]; codes: string[] };

/**
 * Groups deliveries by their state, the most urgent first. Each retry is a group of its own, because each has a
 * countdown of its own.
 */
export function groupDeliveries(deliveries: readonly DeliverySummary[]): DeliveryGroup[] {
  const groups = new Map<string, DeliveryGroup>();
  const order = (d: DeliverySummary) => deliveryStatuses.indexOf(d.status);
  for (const d of [...deliveries].sort((a, b) => order(a) - order(b))) {
    const key = d.status === "retrying" ? d.id : `${d.status} ${d.reason}`;
    const group = groups.get(key) ?? { first: d, names: [], codes: [] };
    groups.set(key, group);
    group.names.push(d.destination.displayName);
    if (d.status === "failed" && d.statusCode !== null && !group.codes.includes(String(d.statusCode))) {
      group.codes.push(String(d.statusCode));
    }
  }
  return [...groups.values()];
}
