import type { Destination, DestinationTypeInfo } from "../../../api/types";
import { numberOf, wholeError } from "../../../words/number";
import { settingsErrors } from "../fields/rules";
import type { FormValues } from "./form";

/** What is wrong with each field, by its path in the request: the server's errors have the same paths. */
export type Errors = ReadonlyMap<string, string>;

/**
 * Says which rules of openapi.yaml, and of the description of the type, the form breaks, before the server is asked.
 * `saved` is the destination that is edited, `others` are all other destinations. The server has the last word: it folds names and reads URLs more strictly.
 */
export function validate(
  v: FormValues,
  type: DestinationTypeInfo,
  saved: Destination | undefined,
  others: readonly Destination[],
): Errors {
  const errors = new Map<string, string>();
  const wrong = (path: string, message: string | undefined) => {
    if (message !== undefined && !errors.has(path)) {
      errors.set(path, message);
    }
  };
  wrong("displayName", nameError(v.displayName.trim(), others));
  for (const [path, message] of settingsErrors(type.fields, v.settings, saved)) {
    wrong(path, message);
  }
  wrong("alertTypes", v.alertTypes.length === 0 ? "Choose at least one alert type." : undefined);
  wrong("logTypes", logTypesError(v.logTypes));
  const { maxInFlight, ratePerSecond, burst } = v;
  wrong("limits.maxInFlight", maxInFlight.trim() === "" ? undefined : wholeError(maxInFlight, 1000));
  if (ratePerSecond.trim() !== "") {
    wrong("limits.ratePerSecond", rateError(ratePerSecond));
    wrong("limits.burst", burst.trim() === "" ? undefined : wholeError(burst, 10_000));
  }
  return errors;
}

function nameError(name: string, others: readonly Destination[]): string | undefined {
  if (name === "") {
    return "Enter a name.";
  }
  if ([...name].length > 100) {
    return "At most 100 characters.";
  }
  if (/\p{Cc}/u.test(name)) {
    return "No line breaks or other control characters.";
  }
  if (foldName(name) === "skip") {
    return "“SKIP” in an alert’s destinations means none of them, so no destination can have this name.";
  }
  if (/^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i.test(name)) {
    return "A name cannot have the form of an ID.";
  }
  if (others.some((d) => foldName(d.displayName) === foldName(name))) {
    return "Another destination has this name.";
  }
  return undefined;
}

/** Two names that fold to the same are the same name, as far as a browser can tell. */
export function foldName(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

function logTypesError(logTypes: readonly string[]): string | undefined {
  if (logTypes.length > 100) {
    return "At most 100 log types.";
  }
  if (logTypes.some((t) => [...t.trim()].length > 256)) {
    return "A log type has at most 256 characters.";
  }
  return logTypes.some((t) => /\p{Cc}/u.test(t)) ? "No control characters in a log type." : undefined;
}

function rateError(text: string): string | undefined {
  const rate = numberOf(text);
  if (rate !== undefined && rate >= 0.01 && rate <= 10_000) {
    return undefined;
  }
  return text.includes(",")
    ? "With a point before the fraction, and no comma: 0.5."
    : "A number from 0.01 to 10,000, such as 0.5, or nothing for no limit.";
}
