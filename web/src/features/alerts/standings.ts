import { type DeliverySummary, deliveryStatuses } from "../../api/types";

/** Deliveries that stand alike, and so share a chip. */
export type Group = { first: DeliverySummary; names: string[]; codes: string[] };

/**
 * Groups deliveries by how they stand, those that ask for someone first. Retries stay apart: each has a countdown of
 * its own.
 */
export function groupStandings(deliveries: readonly DeliverySummary[]): Group[] {
  const groups = new Map<string, Group>();
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
