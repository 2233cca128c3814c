import {
  type AlertType,
  alertTypes,
  type Destination,
  type DestinationHealth,
  type DestinationTypeInfo,
  type HourStats,
  type Severity,
  severities,
} from "../../../api/types";
import { compact, id, manyOf, one, oneOf } from "../../../app/search";
import { type HealthStatus, healthStatuses, healthStatusesOf, heldTotal } from "../health/health";

export const sorts = ["name", "trouble", "held", "failed", "slow", "changed"] as const;

export type Sort = (typeof sorts)[number];

export const sortWord: Record<Sort, string> = {
  name: "Name",
  trouble: "Trouble first",
  held: "Most held first",
  failed: "Most failed in 24 h first",
  slow: "Slowest first",
  changed: "Newest change first",
};

/** What the URL of the list of destinations may say. */
export type DestinationsSearch = {
  q?: string | undefined;
  health?: HealthStatus[] | undefined;
  severity?: Severity[] | undefined;
  type?: AlertType[] | undefined;
  sort?: Sort | undefined;
};

export function destinationsSearch(raw: Record<string, unknown>): DestinationsSearch {
  return compact({
    q: one(raw, "q")?.slice(0, 200),
    health: manyOf(raw, "health", healthStatuses),
    severity: manyOf(raw, "severity", severities),
    type: manyOf(raw, "type", alertTypes),
    sort: oneOf(raw, "sort", sorts),
  });
}

/** What the URL of "Add Destination" may say: the type that was chosen, or the destination that came of it. */
export type NewDestinationSearch = { type?: string | undefined; created?: string | undefined };

export function newDestinationSearch(raw: Record<string, unknown>): NewDestinationSearch {
  return compact({ type: one(raw, "type")?.slice(0, 100), created: id(raw, "created") });
}

/** A destination with how it does, as far as that is known. */
export type ListedDestination = {
  destination: Destination;
  /** Its type, once it is known. */
  type?: DestinationTypeInfo | undefined;
  health: DestinationHealth | undefined;
  hours?: readonly HourStats[] | undefined;
};

/** Those of the destinations that match, in the order that was asked for. */
export function select(all: readonly ListedDestination[], search: DestinationsSearch): ListedDestination[] {
  const { health: statuses, severity, type, sort = "name" } = search;
  const q = search.q?.toLowerCase();
  return all
    .filter(({ destination: d, type: of, health }) => {
      const texts = [d.displayName, of?.name ?? d.type, ...textsOf(d.settings), d.id, ...d.logTypes];
      return (
        (q === undefined || texts.some((text) => text.toLowerCase().includes(q))) &&
        (statuses === undefined || healthStatusesOf(d, health).some((s) => statuses.includes(s))) &&
        (severity === undefined || d.severities.some((s) => severity.includes(s))) &&
        (type === undefined || d.alertTypes.some((t) => type.includes(t)))
      );
    })
    .sort((a, b) => orders[sort](a, b) || orders.name(a, b));
}

/** All text that is shown of settings. */
function textsOf(settings: unknown): string[] {
  if (typeof settings === "string") {
    return [settings];
  }
  return typeof settings === "object" && settings !== null ? Object.values(settings).flatMap(textsOf) : [];
}

const orders: Record<Sort, (a: ListedDestination, b: ListedDestination) => number> = {
  name: (a, b) => a.destination.displayName.localeCompare(b.destination.displayName),
  trouble: (a, b) => trouble(a) - trouble(b),
  held: (a, b) => held(b) - held(a),
  failed: (a, b) => (b.health?.lastDay.failed ?? 0) - (a.health?.lastDay.failed ?? 0),
  slow: (a, b) => (b.health?.lastDay.p95Ms ?? -1) - (a.health?.lastDay.p95Ms ?? -1),
  changed: (a, b) => Date.parse(b.destination.updatedAt) - Date.parse(a.destination.updatedAt),
};

function trouble({ destination, health }: ListedDestination): number {
  const [worst] = healthStatusesOf(destination, health);
  return worst === undefined ? healthStatuses.length : healthStatuses.indexOf(worst);
}

function held({ health }: ListedDestination): number {
  return health ? heldTotal(health.held).n : 0;
}
