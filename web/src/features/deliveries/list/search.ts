import type { CountFilters, DeliveryFilters } from "../../../api/deliveries";
import {
  type AlertType,
  type AttemptClass,
  alertTypes,
  attemptClasses,
  type BulkResend,
  type DeliveryReason,
  type DeliveryStatus,
  deliveryStatuses,
  type RoutedBy,
  routedBys,
  type Severity,
  severities,
} from "../../../api/types";
import { compact, id, ids, manyOf, one, rangeAt, type TimeRange, timeRange } from "../../../app/search";
import { deliveryReasons } from "../../../words/reasons";

/** What the URL of the list of deliveries may say. */
export type DeliveriesSearch = TimeRange & {
  status?: DeliveryStatus[] | undefined;
  reason?: DeliveryReason[] | undefined;
  destination?: string[] | undefined;
  severity?: Severity[] | undefined;
  type?: AlertType[] | undefined;
  /** What came of the newest attempt. */
  class?: AttemptClass[] | undefined;
  code?: string | undefined;
  routedBy?: RoutedBy[] | undefined;
  /** The `alertId`, in full. */
  alert?: string | undefined;
};

/** What the URL of their page may say: the filters, and which bulk re-send is open. */
export type DeliveriesPageSearch = DeliveriesSearch & { bulk?: string | undefined };

export function deliveriesPageSearch(raw: Record<string, unknown>): DeliveriesPageSearch {
  return compact({ ...deliveriesSearch(raw), bulk: id(raw, "bulk") });
}

export function deliveriesSearch(raw: Record<string, unknown>): DeliveriesSearch {
  return compact({
    status: manyOf(raw, "status", deliveryStatuses),
    reason: manyOf(raw, "reason", deliveryReasons),
    destination: ids(raw, "destination"),
    severity: manyOf(raw, "severity", severities),
    type: manyOf(raw, "type", alertTypes),
    class: manyOf(raw, "class", attemptClasses),
    code: readCode(one(raw, "code")),
    routedBy: manyOf(raw, "routedBy", routedBys),
    alert: one(raw, "alert")?.slice(0, 256),
    ...timeRange(raw),
  });
}

/** An HTTP status code that the API takes. */
export function readCode(text: string | undefined): string | undefined {
  return text !== undefined && /^[1-9]\d\d$/.test(text.trim()) ? text.trim() : undefined;
}

/** The same for the API, at a moment. */
export function deliveryFilters(search: DeliveriesSearch, now: number): DeliveryFilters {
  return compact({ status: search.status, ...countFilters(search, now) });
}

/** The same without the status: that is what is counted by. */
export function countFilters(search: DeliveriesSearch, now: number): CountFilters {
  const { reason, destination, severity, type, class: outcome, code, routedBy, alert } = search;
  return compact({
    reason,
    destinationId: destination,
    severity,
    type,
    class: outcome,
    statusCode: code === undefined ? undefined : Number(code),
    routedBy,
    alertId: alert,
    ...rangeAt(search, now),
  });
}

/** The list of what a bulk re-send was for, whatever has become of it; undefined when it named its deliveries. */
export function searchOfBulk({ filter }: Pick<BulkResend, "filter">): DeliveriesSearch | undefined {
  if (filter === null) {
    return undefined;
  }
  const { destinationId, severity, type, class: _before, statusCode: _code, routedBy, alertId, from, to } = filter;
  return compact({ destination: destinationId, severity, type, routedBy, alert: alertId, from, to });
}

/** What an operator asks for first. */
export const failedLastDay: DeliveriesSearch = { status: ["failed"], last: "24h" };

/** Whether two searches say the same. */
export function sameSearch(a: DeliveriesSearch, b: DeliveriesSearch): boolean {
  const text = (s: DeliveriesSearch) => JSON.stringify(Object.entries(compact(s)).sort(([x], [y]) => (x < y ? -1 : 1)));
  return text(a) === text(b);
}
