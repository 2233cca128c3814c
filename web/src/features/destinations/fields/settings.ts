import type { Destination, DestinationTypeInfo, SettingsField } from "../../../api/types";
import { type HeaderField, rebaseHeaders, sentHeaders, storedHeaders, trimBlanks } from "./headers";

/**
 * What a person has entered for a field of the settings. Of a stored secret the form has nothing: `keep` says that it
 * stays. A number is text as it was typed: what is no number is said of it.
 */
export type SettingValue =
  | { as: "text"; text: string; keep: boolean }
  | { as: "truth"; on: boolean }
  | { as: "headers"; headers: readonly HeaderField[] };

/**
 * By the names of the fields. Those that nobody has touched may be missing; those that are not asked for now keep what
 * was entered.
 */
export type SettingsValues = Readonly<Record<string, SettingValue>>;

/** Settings as they are sent and shown. */
export type Settings = Readonly<Record<string, unknown>>;

/** The path of a field in a request, by which the server's errors and ours name it. */
export function settingPath(field: SettingsField): string {
  return `settings.${field.name}`;
}

/** The form of settings that are stored. Those that cannot be used are to be entered again. */
export function storedSettings(fields: readonly SettingsField[], d: Destination): SettingsValues {
  return valuesOf(fields, (f) => {
    const shown = shownSetting(d, f);
    const stored = hasSecret(d, f);
    switch (f.kind) {
      case "headers":
        return { as: "headers", headers: storedHeaders(shown, stored && d.usable) };
      case "boolean":
        return shown === undefined ? empty(f) : { as: "truth", on: shown === true };
      default:
        if (f.secret) {
          return { as: "text", text: "", keep: stored && d.usable };
        }
        return shown === undefined ? empty(f) : { as: "text", text: String(shown), keep: false };
    }
  });
}

/** What a destination shows of a field: of a secret at most a part. */
export function shownSetting(d: Pick<Destination, "settings">, f: SettingsField): unknown {
  let at: unknown = d.settings;
  for (const name of f.name.split(".")) {
    // An object's members are all that a name is looked up in.
    at = typeof at === "object" && at !== null ? (at as Settings)[name] : undefined;
  }
  return at ?? undefined;
}

/** Why the settings of a destination that can be used are not shown: other servers can open them, this one cannot. */
export function lackedKey(d: Pick<Destination, "usable" | "settings">): string | undefined {
  return d.usable && d.settings === null ? "This server lacks the key that these settings are sealed with." : undefined;
}

/** Where a destination sends to, as far as it is shown: its first URL, else the first text of its settings. */
export function placeOf(d: Destination, type: DestinationTypeInfo | undefined): string | undefined {
  const fields = type?.fields ?? [];
  const shown = [...fields.filter((f) => f.kind === "url"), ...fields.filter((f) => f.kind === "text")]
    .map((f) => shownSetting(d, f))
    .find((value) => typeof value === "string" && value !== "");
  return typeof shown === "string" ? shown : undefined;
}

/** Whether a secret is stored for a field. */
export function hasSecret(d: Pick<Destination, "storedSecrets">, f: SettingsField): boolean {
  return d.storedSecrets.includes(f.name);
}

/** The fields that are asked for with what is entered in others. */
export function askedFields(fields: readonly SettingsField[], values: SettingsValues): SettingsField[] {
  return fields.filter(({ onlyIf }) => {
    const other = fields.find((f) => f.name === onlyIf?.field);
    const value = other && enteredIn(other, values);
    return onlyIf === undefined || (value?.as === "text" && onlyIf.values.includes(value.text));
  });
}

/** What to send of new settings: all that is entered. */
export function settingsInput(fields: readonly SettingsField[], values: SettingsValues): Settings {
  return nested(
    askedFields(fields, values)
      .map((f): Sent => [f.name, sentValue(f, values)])
      .filter(([, sent]) => sent !== undefined && sent !== null),
  );
}

/** What to send of changed settings: only what was changed. What is emptied, or not asked for any more, is null. */
export function settingsPatch(
  fields: readonly SettingsField[],
  values: SettingsValues,
  before: SettingsValues,
): Settings {
  return nested(changes(fields, values, before));
}

/** The fields whose values were changed. */
export function changedFields(
  fields: readonly SettingsField[],
  values: SettingsValues,
  before: SettingsValues,
): SettingsField[] {
  const changed = new Set(changes(fields, values, before).map(([name]) => name));
  return fields.filter((f) => changed.has(f.name));
}

/**
 * Puts what was changed here onto settings that were changed elsewhere meanwhile. Where both changed a field, what was
 * entered here stays.
 */
export function rebaseSettings(
  fields: readonly SettingsField[],
  values: SettingsValues,
  before: SettingsValues,
  theirs: SettingsValues,
): SettingsValues {
  const mine = changedFields(fields, values, before);
  return valuesOf(fields, (f) => {
    const [here, there] = [enteredIn(f, values), enteredIn(f, theirs)];
    if (!mine.includes(f)) {
      return there;
    }
    return here.as === "headers" && there.as === "headers"
      ? { as: "headers", headers: rebaseHeaders(here.headers, there.headers) }
      : here;
  });
}

type Sent = [name: string, value: unknown];

function changes(fields: readonly SettingsField[], values: SettingsValues, before: SettingsValues): Sent[] {
  const [asked, askedBefore] = [askedFields(fields, values), askedFields(fields, before)];
  return fields.flatMap((f): Sent[] => {
    if (!asked.includes(f)) {
      return askedBefore.includes(f) ? [[f.name, null]] : [];
    }
    const sent = sentValue(f, values);
    const same = askedBefore.includes(f) && JSON.stringify(sent) === JSON.stringify(sentValue(f, before));
    return sent === undefined || same ? [] : [[f.name, sent]];
  });
}

/** What is sent of a field: undefined is nothing, so that a stored secret stays; null empties it. */
function sentValue(f: SettingsField, values: SettingsValues): unknown {
  const value = enteredIn(f, values);
  switch (value.as) {
    case "truth":
      return value.on;
    case "headers":
      return sentHeaders(value.headers).map((h) =>
        h.stored === "keep" ? { name: h.name } : { name: h.name.trim(), value: trimBlanks(h.value) },
      );
    case "text":
      return value.keep ? undefined : sentText(f, value.text);
  }
}

function sentText(f: SettingsField, text: string): string | number | null {
  // Blanks may belong to a secret.
  const sent = f.kind === "secret" || f.kind === "multiline" ? text : text.trim();
  if (sent === "") {
    return null;
  }
  return f.kind === "number" ? (settingNumber(sent) ?? null) : sent;
}

/** The number that was typed, in digits and with a point before a fraction. Anything else is undefined. */
export function settingNumber(text: string): number | undefined {
  return /^-?(\d+(\.\d*)?|\.\d+)$/.test(text.trim()) ? Number(text) : undefined;
}

/** What is entered for a field; its default until somebody has. */
export function enteredIn(f: SettingsField, values: SettingsValues): SettingValue {
  return values[f.name] ?? empty(f);
}

function empty(f: SettingsField): SettingValue {
  switch (f.kind) {
    case "headers":
      return { as: "headers", headers: [] };
    case "boolean":
      return { as: "truth", on: f.default === true };
    default:
      return { as: "text", text: f.default === undefined ? "" : String(f.default), keep: false };
  }
}

function valuesOf(fields: readonly SettingsField[], of: (f: SettingsField) => SettingValue): SettingsValues {
  return Object.fromEntries(fields.map((f) => [f.name, of(f)]));
}

/** A dot in a name stands for an object: "auth.kind" is the member kind of the object auth. */
function nested(sent: readonly Sent[]): Settings {
  const all: Record<string, unknown> = {};
  for (const [name, value] of sent) {
    const path = name.split(".");
    const last = path.pop() ?? name;
    let at = all;
    for (const step of path) {
      // What stands there was put there by this loop.
      at[step] ??= {};
      at = at[step] as Record<string, unknown>;
    }
    at[last] = value;
  }
  return all;
}
