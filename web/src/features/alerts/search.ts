import type { AlertFilters } from "../../api/alerts";
import {
  type AlertType,
  alertTypes,
  type DeliveryStatus,
  deliveryStatuses,
  type Severity,
  severities,
} from "../../api/types";
import { compact, id, many, manyOf, one, oneOf, rangeAt, type TimeRange, timeRange } from "../../app/search";

/** What the URL of the list of alerts may say. */
export type AlertsSearch = TimeRange & {
  q?: string | undefined;
  severity?: Severity[] | undefined;
  type?: AlertType[] | undefined;
  logType?: string[] | undefined;
  /** Of any of its deliveries. */
  status?: DeliveryStatus[] | undefined;
  destination?: string | undefined;
  unrouted?: "true" | "false" | undefined;
  /** A destination that the alert names and nobody has. */
  unknown?: string | undefined;
};

export function alertsSearch(raw: Record<string, unknown>): AlertsSearch {
  return compact({
    q: one(raw, "q")?.slice(0, 200),
    severity: manyOf(raw, "severity", severities),
    type: manyOf(raw, "type", alertTypes),
    logType: many(raw, "logType"),
    status: manyOf(raw, "status", deliveryStatuses),
    destination: id(raw, "destination"),
    unknown: one(raw, "unknown")?.slice(0, 256),
    unrouted: oneOf(raw, "unrouted", ["true", "false"]),
    ...timeRange(raw),
  });
}

/** The same for the API, at a moment. */
export function alertFilters(search: AlertsSearch, now: number): AlertFilters {
  const { q, severity, type, logType, status, destination, unrouted, unknown } = search;
  return compact({
    q,
    severity,
    type,
    logType,
    deliveryStatus: status,
    destinationId: destination,
    unknownDestination: unknown,
    unrouted: unrouted && unrouted === "true",
    ...rangeAt(search, now),
  });
}

/** What the URL of one alert may say: which delivery is open, and which of its attempts. */
export type AlertPageSearch = { delivery?: string | undefined; attempt?: string | undefined };

export function alertPageSearch(raw: Record<string, unknown>): AlertPageSearch {
  const delivery = id(raw, "delivery");
  return compact({ delivery, attempt: delivery && id(raw, "attempt") });
}
