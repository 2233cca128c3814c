import { queryOptions } from "@tanstack/react-query";
import { membersOf, readable } from "../words/json";
import { client, unwrap } from "./client";
import type { paths } from "./schema.gen";
import type { AlertDetails, AlertSummary, Delivery, DeliverySummary } from "./types";

/** The filters of the list of alerts, as the API takes them. */
export type AlertFilters = Omit<NonNullable<paths["/api/v1/alerts"]["get"]["parameters"]["query"]>, "cursor" | "limit">;

export async function listAlerts(filters: AlertFilters, cursor: string | null, signal: AbortSignal) {
  const query = { ...filters, ...(cursor === null ? {} : { cursor }) };
  return unwrap(await client.GET("/api/v1/alerts", { params: { query }, signal }));
}

export const alertKey = (alertId: string) => ["alert", alertId] as const;

/** One alert with where it went. */
export const alertQuery = (alertId: string) =>
  queryOptions({
    queryKey: alertKey(alertId),
    queryFn: async ({ signal }) => withText(await getText(alertId, signal)),
    // Events tell of changes; this is for the moments in which a result is awaited.
    refetchInterval: (query) => (query.state.data ? awaited(query.state.data) : false),
  });

/** An alert's details, and the JSON of the alert and its context as they came. */
export type AlertWithText = AlertDetails & { alertText: string; contextText: string | null };

async function getText(alertId: string, signal: AbortSignal): Promise<string> {
  return unwrap(
    await client.GET("/api/v1/alerts/{alertId}", { params: { path: { alertId } }, signal, parseAs: "text" }),
  );
}

/**
 * What a producer gave as 12345678901234567890 must not be shown as 12345678901234567000: the text is kept. The API
 * escapes &, < and > in it, which is taken back.
 */
function withText(text: string): AlertWithText {
  const details: AlertDetails = JSON.parse(text);
  const alertText = readable(membersOf(text).get("alert") ?? "");
  const contextText = details.alert.alertContext === null ? null : (membersOf(alertText).get("alertContext") ?? null);
  return { ...details, alertText, contextText };
}

/** How soon to ask again by ourselves: at once while an attempt is due, not at all once all are final. */
function awaited(details: AlertDetails): number | false {
  if (details.deliveries.some((d) => d.status === "queued")) {
    return 1_000;
  }
  return details.deliveries.some((d) => d.dueAt !== null) ? 10_000 : false;
}

/** Where the alert would go with today's settings. */
export const routeQuery = (alertId: string) =>
  queryOptions({
    queryKey: ["route", alertId],
    queryFn: async ({ signal }) =>
      unwrap(await client.GET("/api/v1/alerts/{alertId}/route", { params: { path: { alertId } }, signal })),
  });

export async function sendAlert(alertId: string, destinationIds: string[]) {
  return unwrap(
    await client.POST("/api/v1/alerts/{alertId}/deliveries", {
      params: { path: { alertId } },
      body: { destinationIds },
    }),
  );
}

/** The row that a list shows for an alert whose details are known. */
export function summaryOf(details: AlertDetails): AlertSummary {
  const { alert, deliveries, unrouted } = details;
  return { ...alert, deliveries: deliveries.map(deliverySummaryOf), unrouted };
}

function deliverySummaryOf(d: Delivery): DeliverySummary {
  const { id, destination, status, reason, attempts, maxAttempts, dueAt, lastAttempt } = d;
  return {
    id,
    destination,
    status,
    reason,
    attempts,
    maxAttempts,
    dueAt,
    statusCode: lastAttempt?.statusCode ?? null,
    class: lastAttempt?.class ?? null,
  };
}
