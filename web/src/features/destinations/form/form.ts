import type { DestinationInput, DestinationPatch, SettingsTestInput } from "../../../api/destinations";
import {
  type AlertType,
  alertTypes,
  type Destination,
  type ResponseStorage,
  type Severity,
  severities,
} from "../../../api/types";
import { numberOf } from "../../../words/number";
import type { HeaderField } from "../fields/headers";
import { sentHeaders } from "../fields/headers";

/** What a person has entered. Of stored secrets it has none: those are kept unless something is put in their place. */
export type FormValues = {
  displayName: string;
  /** Whether the stored URL stays. */
  keepUrl: boolean;
  url: string;
  headers: readonly HeaderField[];
  severities: readonly Severity[];
  alertTypes: readonly AlertType[];
  logTypes: readonly string[];
  /** As it was typed, and so are the next two: what is no number is said of it. Empty is as usual. */
  maxInFlight: string;
  /** Empty is no limit. */
  ratePerSecond: string;
  /** Empty is what the rate lets through in a second. */
  burst: string;
  holdNotAnswering: boolean;
  responseStorage: ResponseStorage;
};

export const defaultInFlight = 16;

/** The form of a new destination: it takes all until something is left out. */
export const newForm: FormValues = {
  displayName: "",
  keepUrl: false,
  url: "",
  headers: [],
  severities,
  alertTypes,
  logTypes: [],
  maxInFlight: String(defaultInFlight),
  ratePerSecond: "",
  burst: "",
  holdNotAnswering: true,
  responseStorage: "full",
};

/** The form of a destination as it is. */
export function formOf(d: Destination): FormValues {
  return {
    displayName: d.displayName,
    keepUrl: d.settings !== null && d.usable, // what mends it are settings that are entered again
    url: "",
    headers: (d.settings?.headers ?? []).map((h, n) => ({
      key: `stored-${n}`,
      name: h.name,
      value: "",
      stored: "keep",
    })),
    severities: d.severities,
    alertTypes: d.alertTypes,
    logTypes: d.logTypes,
    maxInFlight: String(d.limits.maxInFlight),
    ratePerSecond: String(d.limits.ratePerSecond ?? ""),
    burst: String(d.limits.burst ?? ""),
    holdNotAnswering: d.limits.holdNotAnswering,
    responseStorage: d.responseStorage,
  };
}

/** What to create. */
export function inputOf(v: FormValues): DestinationInput {
  return {
    displayName: v.displayName.trim(),
    type: "webhook",
    severities: [...v.severities],
    alertTypes: [...v.alertTypes],
    logTypes: logTypesOf(v),
    limits: limitsOf(v),
    responseStorage: v.responseStorage,
    settings: settingsOf(v),
  };
}

/** What to change of a destination: only what was changed here, so that what others change stays. */
export function patchOf(v: FormValues, d: Destination): DestinationPatch {
  const before = formOf(d);
  const patch: DestinationPatch = {};
  if (v.displayName.trim() !== d.displayName) {
    patch.displayName = v.displayName.trim();
  }
  if (!sameSet(v.severities, d.severities)) {
    patch.severities = [...v.severities];
  }
  if (!sameSet(v.alertTypes, d.alertTypes)) {
    patch.alertTypes = [...v.alertTypes];
  }
  if (!sameSet(logTypesOf(v), d.logTypes)) {
    patch.logTypes = logTypesOf(v);
  }
  if (JSON.stringify(limitsOf(v)) !== JSON.stringify(limitsOf(before))) {
    patch.limits = limitsOf(v);
  }
  if (v.responseStorage !== d.responseStorage) {
    patch.responseStorage = v.responseStorage;
  }
  const headers = patchHeaders(v);
  const settings = {
    ...(v.keepUrl ? {} : { url: v.url.trim() }),
    ...(JSON.stringify(headers) === JSON.stringify(patchHeaders(before)) ? {} : { headers }),
  };
  if (Object.keys(settings).length > 0) {
    patch.settings = settings;
  }
  return patch;
}

/** What a test would be of: the destination as it is saved, or settings that are not. */
export type TestOf =
  | { kind: "saved"; id: string }
  | { kind: "settings"; input: Pick<SettingsTestInput, "destinationId" | "type" | "settings"> };

/** Of an edit the server gets what saving would send, and takes the rest from what it has stored. */
export function testOf(v: FormValues, saved: Destination | undefined): TestOf {
  if (saved === undefined) {
    return { kind: "settings", input: { type: "webhook", settings: settingsOf(v) } };
  }
  const { settings } = patchOf(v, saved);
  return settings === undefined
    ? { kind: "saved", id: saved.id }
    : { kind: "settings", input: { destinationId: saved.id, settings } };
}

/** Names what was changed in the form, for a person. */
export function changesOf(patch: DestinationPatch): string[] {
  const names: Record<keyof DestinationPatch, string> = {
    displayName: "Display Name",
    formerNames: "Former names",
    type: "Type",
    severities: "Severity Levels",
    alertTypes: "Default Alert Types",
    logTypes: "Log Types",
    limits: "Limits",
    responseStorage: "Stored answers",
    settings: "URL or headers",
  };
  // Object.keys has no narrower type, and a patch has no other keys.
  return (Object.keys(patch) as (keyof DestinationPatch)[]).map((key) => names[key]);
}

/**
 * Puts what was changed here onto a newer version of the destination. Where both were changed, what was entered here
 * stays in the form.
 */
export function rebase(v: FormValues, old: Destination, fresh: Destination): FormValues {
  const mine = patchOf(v, old);
  const theirs = formOf(fresh);
  const limits = mine.limits === undefined ? theirs : v;
  const headers = mine.settings?.headers === undefined ? theirs.headers : rebaseHeaders(v, theirs.headers);
  return {
    displayName: mine.displayName === undefined ? theirs.displayName : v.displayName,
    keepUrl: v.keepUrl && theirs.keepUrl,
    url: v.url,
    headers,
    severities: mine.severities === undefined ? theirs.severities : v.severities,
    alertTypes: mine.alertTypes === undefined ? theirs.alertTypes : v.alertTypes,
    logTypes: mine.logTypes === undefined ? theirs.logTypes : v.logTypes,
    maxInFlight: limits.maxInFlight,
    ratePerSecond: limits.ratePerSecond,
    burst: limits.burst,
    holdNotAnswering: limits.holdNotAnswering,
    responseStorage: mine.responseStorage === undefined ? theirs.responseStorage : v.responseStorage,
  };
}

/** A header that was kept here and is gone there cannot be kept; one that is new there is kept. */
function rebaseHeaders(v: FormValues, theirs: readonly HeaderField[]): HeaderField[] {
  const key = (h: HeaderField) => h.name.toLowerCase();
  const stored = new Set(theirs.map(key));
  const here = v.headers
    .filter((h) => stored.has(key(h)) || (h.stored !== "keep" && h.stored !== "remove"))
    .map((h): HeaderField => (stored.has(key(h)) ? h : { ...h, stored: "no" }));
  const known = new Set(v.headers.map(key));
  return [...here, ...theirs.filter((h) => !known.has(key(h))).map((h) => ({ ...h, key: `fresh-${h.name}` }))];
}

function settingsOf(v: FormValues): DestinationInput["settings"] {
  return {
    url: v.url.trim(),
    headers: sentHeaders(v.headers).map((h) => ({ name: h.name.trim(), value: trimBlanks(h.value) })),
  };
}

function patchHeaders(v: FormValues) {
  return sentHeaders(v.headers).map((h) =>
    h.stored === "keep" ? { name: h.name } : { name: h.name.trim(), value: trimBlanks(h.value) },
  );
}

/** Of a form that `validate` has nothing to say of. */
function limitsOf(v: FormValues) {
  return {
    maxInFlight: numberOf(v.maxInFlight) ?? null,
    ratePerSecond: numberOf(v.ratePerSecond) ?? null,
    burst: v.ratePerSecond.trim() === "" ? null : (numberOf(v.burst) ?? null),
    holdNotAnswering: v.holdNotAnswering,
  };
}

/** Log types are compared exactly: nothing of one is trimmed but the blanks that came with pasting. */
function logTypesOf(v: FormValues): string[] {
  return v.logTypes.map((t) => t.trim());
}

function trimBlanks(text: string): string {
  return text.replaceAll(/^[ \t]+|[ \t]+$/g, "");
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}
