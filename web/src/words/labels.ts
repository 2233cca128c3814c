import type {
  AlertType,
  BulkResendState,
  DestinationRef,
  ResponseStorage,
  RoutedBy,
  Scope,
  Severity,
} from "../api/types";
import { isolated } from "./bidi";

export const severityWord: Record<Severity, string> = {
  CRITICAL: "Critical",
  HIGH: "High",
  MEDIUM: "Medium",
  LOW: "Low",
  INFO: "Info",
};

export const alertTypeWord: Record<AlertType, string> = {
  RULE: "Rule",
  RULE_ERROR: "Rule error",
  SCHEDULED_RULE: "Scheduled rule",
  SCHEDULED_RULE_ERROR: "Scheduled rule error",
  CORRELATION_RULE: "Correlation rule",
  CORRELATION_RULE_ERROR: "Correlation rule error",
  POLICY: "Policy",
  SYSTEM_ERROR: "System error",
};

export const routedByWord: Record<RoutedBy, string> = {
  filters: "Filters matched",
  override: "Named by the alert",
  manual: "Sent by a person",
};

export const storageWord: Record<ResponseStorage, string> = {
  full: "Headers and body",
  headers: "Headers only",
  none: "Nothing but the status code",
};

export const bulkStateWord: Record<BulkResendState, string> = {
  running: "Running",
  paused: "Paused",
  done: "Done",
  cancelled: "Cancelled",
};

export const scopeWord: Record<Scope, string> = {
  ingest: "posts alerts",
  read: "sees everything but tokens and who did what",
  operate: "re-sends, pauses, tests",
  admin: "changes everything",
};

/** The name of a destination, which may be gone. */
export function destinationName(d: DestinationRef): string {
  const name = isolated(d.displayName);
  return d.deleted ? `${name} (deleted)` : name;
}
