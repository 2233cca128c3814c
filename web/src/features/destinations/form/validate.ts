import type { Destination } from "../../../api/types";
import { numberOf, wholeError } from "../../../words/number";
import { headerNameError, headerPath, headerValueError, sentHeaders } from "../fields/headers";
import type { FormValues } from "./form";

/** What is wrong with each field, by its path in the request: the server's errors have the same paths. */
export type Errors = ReadonlyMap<string, string>;

/**
 * Says which rules of openapi.yaml the form breaks, before the server is asked. `saved` is the destination that is
 * edited, `others` all the rest. The server has the last word: it folds names and reads URLs more strictly.
 */
export function validate(v: FormValues, saved: Destination | undefined, others: readonly Destination[]): Errors {
  const errors = new Map<string, string>();
  const wrong = (path: string, message: string | undefined) => {
    if (message !== undefined && !errors.has(path)) {
      errors.set(path, message);
    }
  };
  wrong("displayName", nameError(v.displayName.trim(), others));
  if (!v.keepUrl) {
    wrong("settings.url", urlError(v.url.trim()));
  }
  const headers = sentHeaders(v.headers);
  if (headers.length > 20) {
    wrong("settings.headers", "At most 20 headers.");
  }
  for (const [n, h] of headers.entries()) {
    const path = headerPath(v.headers, h.key);
    const twin = headers.findIndex((other) => other.name.trim().toLowerCase() === h.name.trim().toLowerCase());
    wrong(`${path}.name`, headerNameError(h.name.trim()));
    wrong(`${path}.name`, twin < n ? "This header is there already; case does not matter." : undefined);
    wrong(`${path}.value`, h.stored === "keep" ? undefined : headerValueError(h.value));
  }
  if (saved && !v.keepUrl && !errors.has("settings.url") && headers.some((h) => h.stored === "keep")) {
    if (originOf(v.url.trim()) !== originOf(saved.settings?.url ?? "")) {
      wrong(
        "settings.headers",
        "Enter every header value again, or remove the header: stored values are not sent to a new scheme, host or port.",
      );
    }
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
    return "“SKIP” in an alert’s destinations means nowhere, so no destination can have this name.";
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

/** What is wrong with a URL to post to. */
export function urlError(url: string): string | undefined {
  if (url === "") {
    return "Enter the URL that alerts are posted to.";
  }
  if (url.length > 2048) {
    return "At most 2048 characters.";
  }
  if (/[\s\p{Cc}]/u.test(url)) {
    return "A URL has no spaces or line breaks.";
  }
  if (!/^https?:\/\//i.test(url)) {
    return "Must start with https:// or http://.";
  }
  if (url.includes("#")) {
    return "Must not have a fragment (#…): it would never be sent.";
  }
  const authority = /^https?:\/\/([^/?]*)/i.exec(url)?.[1] ?? "";
  if (authority.includes("@")) {
    return "Must not contain a user name or password. Use a header, such as Authorization.";
  }
  const [, host = "", port] = /^(\[[0-9a-f:.]*\]|[^:[\]]*)(?::(.*))?$/i.exec(authority) ?? [];
  if (host === "") {
    return "Must have a host, such as hooks.example.com.";
  }
  if (!/^[\w.:[\]\u0080-\u{10ffff}-]+$/u.test(host)) {
    return "The host may have letters, digits, dots, - and _, or be an IP address.";
  }
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    return "The port must be from 1 to 65535, or left out.";
  }
  return undefined;
}

function originOf(url: string): string | undefined {
  try {
    return new URL(url).origin;
  } catch {
    return undefined;
  }
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
