import type { AuditEntry } from "../../../api/types";

const actionWords: Record<string, string> = {
  "destination.create": "Created",
  "destination.update": "Changed",
  "destination.pause": "Paused",
  "destination.resume": "Resumed",
  "destination.rotate_signing_secret": "Rotated the signing secret",
  "destination.delete": "Deleted",
};

const fieldWords: Record<string, string> = {
  displayName: "Display Name",
  severities: "Severity Levels",
  alertTypes: "Default Alert Types",
  logTypes: "Log Types",
  limits: "Limits",
  settings: "settings",
};

/**
 * What someone did, in words. An entry says what a destination became; what was changed is the difference to the entry
 * before it, when that is known. A new value of a secret makes no difference that can be seen.
 */
export function auditWords(entry: AuditEntry, before: AuditEntry | undefined): string {
  const action = actionWords[entry.action] ?? entry.action;
  const discarded = entry.detail.discarded;
  if (entry.action === "destination.resume" && typeof discarded === "number") {
    return `Resumed, and discarded ${discarded.toLocaleString()}`;
  }
  if (entry.action !== "destination.update" || before === undefined) {
    return action;
  }
  const changed = Object.entries(fieldWords)
    .filter(([field]) => JSON.stringify(entry.detail[field]) !== JSON.stringify(before.detail[field]))
    .map(([, word]) => word);
  return `${action} ${changed.join(", ") || "the value of a secret"}`;
}
