// The words of the contract, by the names that the console uses.
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Alert = Schemas["Alert"];
export type AlertDetails = Schemas["AlertDetails"];
export type AlertSummary = Schemas["AlertSummary"];
export type AlertType = Schemas["AlertType"];
export type Attempt = Schemas["Attempt"];
export type AttemptTrigger = Schemas["AttemptTrigger"];
export type AttemptClass = Schemas["AttemptClass"];
export type AttemptSummary = Schemas["AttemptSummary"];
export type Delivery = Schemas["Delivery"];
export type DeliveryDetails = Schemas["DeliveryDetails"];
export type DeliveryReason = Schemas["DeliveryReason"];
export type DeliveryStatus = Schemas["DeliveryStatus"];
export type DeliverySummary = Schemas["DeliverySummary"];
export type Destination = Schemas["Destination"];
export type DestinationRef = Schemas["DestinationRef"];
export type ExplainedRoute = Schemas["ExplainedRoute"];
export type Header = Schemas["Header"];
export type ListedDelivery = Schemas["ListedDelivery"];
export type Nowhere = Schemas["Nowhere"];
export type RoutedBy = Schemas["RoutedBy"];
export type Run = Schemas["Run"];
export type Scope = Schemas["Scope"];
export type ServerFacts = Schemas["ServerFacts"];
export type Session = Schemas["Session"];
export type Severity = Schemas["Severity"];
export type Timing = Schemas["Timing"];

/** The severities, worst first: the order in which people look for them. */
export const severities = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"] as const satisfies readonly Severity[];

export const alertTypes = [
  "RULE",
  "RULE_ERROR",
  "SCHEDULED_RULE",
  "SCHEDULED_RULE_ERROR",
  "CORRELATION_RULE",
  "CORRELATION_RULE_ERROR",
  "POLICY",
  "SYSTEM_ERROR",
] as const satisfies readonly AlertType[];

/** The statuses, in the order in which they ask for someone. */
export const deliveryStatuses = [
  "failed",
  "held",
  "retrying",
  "queued",
  "cancelled",
  "delivered",
] as const satisfies readonly DeliveryStatus[];
