import type { DestinationInput, DestinationPatch, SettingsTestInput } from "../../../api/destinations";
import {
  type AlertType,
  alertTypes,
  type Destination,
  type DestinationTypeInfo,
  type ResponseStorage,
  type Severity,
  severities,
} from "../../../api/types";
import { numberOf } from "../../../words/number";
import {
  changedFields,
  rebaseSettings,
  type SettingsValues,
  settingsInput,
  settingsPatch,
  storedSettings,
} from "../fields/settings";

/** What a person has entered. Of stored secrets it has none: those are kept unless something is put in their place. */
export type FormValues = {
  displayName: string;
  settings: SettingsValues;
  severities: readonly Severity[];
  alertTypes: readonly AlertType[];
  logTypes: readonly string[];
  /** As it was typed, and so are the next two: what is no number is said of it. Empty is as usual. */
  maxInFlight: string;
  /** Empty is no limit. */
  ratePerSecond: string;
  /** Empty is what the rate lets through in a second. */
  burst: string;
  holdFailing: boolean;
  responseStorage: ResponseStorage;
};

export const defaultInFlight = 256;

/** The form of a new destination: it takes all until something is left out. */
export const newForm: FormValues = {
  displayName: "",
  settings: {},
  severities,
  alertTypes,
  logTypes: [],
  maxInFlight: String(defaultInFlight),
  ratePerSecond: "",
  burst: "",
  holdFailing: true,
  responseStorage: "full",
};

/** The form of a destination as it is. */
export function formOf(d: Destination, type: DestinationTypeInfo): FormValues {
  return {
    displayName: d.displayName,
    settings: storedSettings(type.fields, d),
    severities: d.severities,
    alertTypes: d.alertTypes,
    logTypes: d.logTypes,
    maxInFlight: String(d.limits.maxInFlight),
    ratePerSecond: String(d.limits.ratePerSecond ?? ""),
    burst: String(d.limits.burst ?? ""),
    holdFailing: d.limits.holdFailing,
    responseStorage: d.responseStorage,
  };
}

/** What to create. */
export function inputOf(v: FormValues, type: DestinationTypeInfo): DestinationInput {
  return {
    displayName: v.displayName.trim(),
    type: type.type,
    severities: [...v.severities],
    alertTypes: [...v.alertTypes],
    logTypes: logTypesOf(v),
    limits: limitsOf(v),
    responseStorage: v.responseStorage,
    settings: settingsOf(v, type),
  };
}

/** What to change of a destination: only what was changed here, so that what others change stays. */
export function patchOf(v: FormValues, d: Destination, type: DestinationTypeInfo): DestinationPatch {
  const before = formOf(d, type);
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
  // Settings that cannot be used are mended by all of them, entered again.
  const settings = d.usable
    ? settingsPatch(type.fields, v.settings, before.settings)
    : settingsInput(type.fields, v.settings);
  if (Object.keys(settings).length > 0) {
    // The description that it was made by is the server's own.
    patch.settings = settings as NonNullable<DestinationPatch["settings"]>;
  }
  return patch;
}

/** What a test would be of: the destination as it is saved, or settings that are not. */
export type TestOf =
  | { kind: "saved"; id: string }
  | { kind: "settings"; input: Pick<SettingsTestInput, "destinationId" | "type" | "settings"> };

/** Of an edit the server gets what saving would send, and takes the rest from what it has stored. */
export function testOf(v: FormValues, saved: Destination | undefined, type: DestinationTypeInfo): TestOf {
  if (saved === undefined) {
    return { kind: "settings", input: { type: type.type, settings: settingsOf(v, type) } };
  }
  const { settings } = patchOf(v, saved, type);
  return settings === undefined
    ? { kind: "saved", id: saved.id }
    : { kind: "settings", input: { destinationId: saved.id, settings } };
}

/** Names what was changed of a destination in the form, for a person. */
export function changesOf(v: FormValues, d: Destination, type: DestinationTypeInfo): string[] {
  const names: Record<Exclude<keyof DestinationPatch, "settings">, string> = {
    displayName: "Display Name",
    formerNames: "Former names",
    type: "Type",
    severities: "Severity Levels",
    alertTypes: "Default Alert Types",
    logTypes: "Log Types",
    limits: "Limits",
    responseStorage: "Stored answers",
  };
  const { settings: _, ...patch } = patchOf(v, d, type);
  return [
    // Object.keys has no narrower type, and a patch has no other keys.
    ...(Object.keys(patch) as (keyof typeof names)[]).map((key) => names[key]),
    ...changedFields(type.fields, v.settings, formOf(d, type).settings).map((f) => f.label),
  ];
}

/**
 * Puts what was changed here onto a newer version of the destination. Where both were changed, what was entered here
 * stays in the form.
 */
export function rebase(v: FormValues, old: Destination, fresh: Destination, type: DestinationTypeInfo): FormValues {
  const mine = patchOf(v, old, type);
  const [before, theirs] = [formOf(old, type), formOf(fresh, type)];
  const limits = mine.limits === undefined ? theirs : v;
  return {
    displayName: mine.displayName === undefined ? theirs.displayName : v.displayName,
    settings: rebaseSettings(type.fields, v.settings, before.settings, theirs.settings),
    severities: mine.severities === undefined ? theirs.severities : v.severities,
    alertTypes: mine.alertTypes === undefined ? theirs.alertTypes : v.alertTypes,
    logTypes: mine.logTypes === undefined ? theirs.logTypes : v.logTypes,
    maxInFlight: limits.maxInFlight,
    ratePerSecond: limits.ratePerSecond,
    burst: limits.burst,
    holdFailing: limits.holdFailing,
    responseStorage: mine.responseStorage === undefined ? theirs.responseStorage : v.responseStorage,
  };
}

function settingsOf(v: FormValues, type: DestinationTypeInfo): DestinationInput["settings"] {
  // The description that it is made by is the server's own.
  return settingsInput(type.fields, v.settings) as DestinationInput["settings"];
}

/** Of a form that `validate` has nothing to say of. */
function limitsOf(v: FormValues) {
  return {
    maxInFlight: numberOf(v.maxInFlight) ?? null,
    ratePerSecond: numberOf(v.ratePerSecond) ?? null,
    burst: v.ratePerSecond.trim() === "" ? null : (numberOf(v.burst) ?? null),
    holdFailing: v.holdFailing,
  };
}

/** Log types are compared exactly: nothing of one is trimmed but the blanks that came with pasting. */
function logTypesOf(v: FormValues): string[] {
  return v.logTypes.map((t) => t.trim());
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}
