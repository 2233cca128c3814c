import type { AuditFilters } from "../../api/audit";
import { type AuditSubjectType, auditSubjectTypes } from "../../api/types";
import { compact, one, oneOf, rangeAt, type TimeRange, timeRange } from "../../app/search";

/** The parts of the settings, in their order. */
export const settingsTabs = ["tokens", "server", "audit", "session"] as const;

export type SettingsTab = (typeof settingsTabs)[number];

/** Which changes are listed. */
export type AuditSearch = TimeRange & { subject?: AuditSubjectType | undefined; id?: string | undefined };

/** What the URL of the settings may say: which part is open, and what the audit log is narrowed to. */
export type SettingsSearch = AuditSearch & { tab?: SettingsTab | undefined };

export function settingsSearch(raw: Record<string, unknown>): SettingsSearch {
  const tab = oneOf(raw, "tab", settingsTabs);
  return tab === "audit"
    ? compact({
        tab,
        subject: oneOf(raw, "subject", auditSubjectTypes),
        id: one(raw, "id")?.slice(0, 256),
        ...timeRange(raw),
      })
    : compact({ tab });
}

/** The same for the API, at a moment. */
export function auditFilters(search: AuditSearch, now: number): AuditFilters {
  return compact({ subjectType: search.subject, subjectId: search.id, ...rangeAt(search, now) });
}
