// The words of the contract, by the names that the console uses.
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Alert = Schemas["Alert"];
export type AlertDetails = Schemas["AlertDetails"];
export type AlertSummary = Schemas["AlertSummary"];
export type AlertType = Schemas["AlertType"];
export type Attempt = Schemas["Attempt"];
export type AttemptClass = Schemas["AttemptClass"];
export type AttemptStats = Schemas["AttemptStats"];
export type AttemptSummary = Schemas["AttemptSummary"];
export type AttemptTrigger = Schemas["AttemptTrigger"];
export type AuditEntry = Schemas["AuditEntry"];
export type AuditSubjectType = Schemas["AuditSubjectType"];
export type BulkCount = Schemas["BulkCount"];
export type BulkResend = Schemas["BulkResend"];
export type BulkResendDetails = Schemas["BulkResendDetails"];
export type BulkResendOutcomes = Schemas["BulkResendOutcomes"];
export type BulkResendState = Schemas["BulkResendState"];
export type CreatedToken = Schemas["CreatedToken"];
export type Delivery = Schemas["Delivery"];
export type DeliveryCounts = Schemas["DeliveryCounts"];
export type DeliveryDetails = Schemas["DeliveryDetails"];
export type DeliveryFilter = Schemas["DeliveryFilter"];
export type DeliveryReason = Schemas["DeliveryReason"];
export type DeliveryStatus = Schemas["DeliveryStatus"];
export type DeliverySummary = Schemas["DeliverySummary"];
export type Destination = Schemas["Destination"];
export type UnknownDestination = Schemas["UnknownDestination"];
export type UnknownDestinationList = Schemas["UnknownDestinationList"];
export type DestinationTypeInfo = Schemas["DestinationTypeInfo"];
export type DestinationHealth = Schemas["DestinationHealth"];
export type DestinationHealthDetails = Schemas["DestinationHealthDetails"];
export type DestinationRef = Schemas["DestinationRef"];
export type ExplainedRoute = Schemas["ExplainedRoute"];
export type Header = Schemas["Header"];
export type HeldCounts = Schemas["HeldCounts"];
export type HourStats = Schemas["HourStats"];
export type InFlight = Schemas["InFlight"];
export type LastFailure = Schemas["LastFailure"];
export type ListedDelivery = Schemas["ListedDelivery"];
export type Unrouted = Schemas["Unrouted"];
export type LoweredBecause = Schemas["LoweredBecause"];
export type OpenSession = Schemas["OpenSession"];
export type RevokedToken = Schemas["RevokedToken"];
export type RoutedBy = Schemas["RoutedBy"];
export type Run = Schemas["Run"];
export type Scope = Schemas["Scope"];
export type ServerFacts = Schemas["ServerFacts"];
export type Session = Schemas["Session"];
export type SettingsField = Schemas["SettingsField"];
export type SettingsFieldKind = Schemas["SettingsFieldKind"];
export type ResponseStorage = Schemas["ResponseStorage"];
export type Severity = Schemas["Severity"];
export type StatusCount = Schemas["StatusCount"];
export type Timing = Schemas["Timing"];
export type Token = Schemas["Token"];

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

/** What can come of an attempt, what is most often looked for first. */
export const attemptClasses = [
  "rejected",
  "timeout",
  "refused",
  "reset",
  "dns",
  "tls",
  "redirected",
  "blocked_address",
  "protocol",
  "interrupted",
  "acked",
] as const satisfies readonly AttemptClass[];

export const routedBys = ["filters", "override", "manual"] as const satisfies readonly RoutedBy[];

/** The scopes, from the one that may least. */
export const scopes = ["ingest", "read", "operate", "admin"] as const satisfies readonly Scope[];

export const auditSubjectTypes = [
  "destination",
  "delivery",
  "bulk_resend",
  "alert",
  "token",
  "session",
  "authentication",
] as const satisfies readonly AuditSubjectType[];
