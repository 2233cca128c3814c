import type { Destination, SettingsField } from "../../../api/types";
import { headerErrors } from "./headers";
import { askedFields, enteredIn, type SettingsValues, settingNumber, settingPath, shownSetting } from "./settings";
import { urlError } from "./url";

/**
 * What is wrong with the settings that were entered, by path, as far as the description of their type tells. `saved` is
 * the destination that is edited.
 */
export function settingsErrors(
  fields: readonly SettingsField[],
  values: SettingsValues,
  saved: Destination | undefined,
): Map<string, string> {
  const errors = new Map<string, string>();
  const asked = askedFields(fields, values);
  for (const f of asked) {
    const value = enteredIn(f, values);
    const path = settingPath(f);
    if (value.as === "headers") {
      const found = headerErrors(path, value.headers, { items: f.maxItems ?? 20, value: f.maxLength ?? 4096 });
      for (const [at, message] of found) {
        errors.set(at, message);
      }
    } else if (value.as === "text" && !value.keep) {
      const message = textError(f, value.text.trim());
      if (message !== undefined) {
        errors.set(path, message);
      }
    }
  }
  // A URL that is wrong leads nowhere yet.
  const leads = asked.every((f) => f.kind !== "url" || !errors.has(settingPath(f)));
  if (saved !== undefined && leads) {
    for (const [path, message] of movedErrors(asked, values, saved)) {
      errors.set(path, message);
    }
  }
  return errors;
}

function textError(f: SettingsField, text: string): string | undefined {
  if (text === "") {
    return f.required ? `${f.kind === "select" ? "Choose" : "Enter"} ${f.label}.` : undefined;
  }
  if (f.maxLength !== undefined && [...text].length > f.maxLength) {
    return `At most ${f.maxLength.toLocaleString()} characters.`;
  }
  switch (f.kind) {
    case "url":
      return urlError(text);
    case "number":
      return numberError(f, text);
    case "pem":
      return /^-----BEGIN [^-]+-----[\s\S]*-----END [^-]+-----$/.test(text)
        ? undefined
        : "Must be PEM: from -----BEGIN …----- to -----END …-----.";
    case "multiline":
      return undefined;
    case "select":
      return f.options?.some((o) => o.value === text) === false ? "Choose one of the list." : undefined;
    default:
      return /\p{Cc}/u.test(text) ? "No line breaks or other control characters." : undefined;
  }
}

function numberError(f: SettingsField, text: string): string | undefined {
  const n = settingNumber(text);
  const [least, most] = [f.minimum ?? Number.NEGATIVE_INFINITY, f.maximum ?? Number.POSITIVE_INFINITY];
  if (n !== undefined && n >= least && n <= most && (f.whole !== true || Number.isInteger(n))) {
    return undefined;
  }
  const range =
    f.minimum === undefined || f.maximum === undefined
      ? ""
      : ` from ${f.minimum.toLocaleString("en")} to ${f.maximum.toLocaleString("en")}`;
  return f.whole === true ? `A whole number${range}, in digits alone.` : `A number${range}, such as 2 or 0.5.`;
}

/** What is wrong with secrets that would be kept while a URL leads elsewhere: the server does not take them along. */
function movedErrors(
  fields: readonly SettingsField[],
  values: SettingsValues,
  saved: Destination,
): [path: string, message: string][] {
  const moved = fields.some((f) => {
    const value = enteredIn(f, values);
    return (
      f.kind === "url" &&
      value.as === "text" &&
      !value.keep &&
      originOf(value.text) !== originOf(shownSetting(saved, f))
    );
  });
  if (!moved) {
    return [];
  }
  return fields
    .filter((f) => f.kind !== "url")
    .flatMap((f): [string, string][] => {
      const value = enteredIn(f, values);
      if (value.as === "headers" && value.headers.some((h) => h.stored === "keep")) {
        return [
          [
            settingPath(f),
            "Enter every header value again, or remove the header: stored values are not sent to a new scheme, host or port.",
          ],
        ];
      }
      return value.as === "text" && value.keep
        ? [[settingPath(f), "Enter it again: a stored secret is not sent to a new scheme, host or port."]]
        : [];
    });
}

function originOf(url: unknown): string | undefined {
  return typeof url === "string" && URL.canParse(url.trim()) ? new URL(url.trim()).origin : undefined;
}
