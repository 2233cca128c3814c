/**
 * A header in the form. `stored` says what becomes of a value that the server has: it stays, is replaced by `value`, or
 * goes with the header. `no`: there is none, the header is new.
 */
export type HeaderField = {
  key: string;
  name: string;
  value: string;
  stored: "no" | "keep" | "replace" | "remove";
};

/** The headers that are sent, in their order: those not removed, and of the new ones those not left empty. */
export function sentHeaders(headers: readonly HeaderField[]): HeaderField[] {
  return headers.filter((h) => h.stored !== "remove" && !(h.stored === "no" && h.name.trim() === "" && h.value === ""));
}

/** The path of a header in a request, under that of its field, by which the server's errors and ours name it. */
export function headerPath(field: string, headers: readonly HeaderField[], key: string): string {
  return `${field}[${sentHeaders(headers).findIndex((h) => h.key === key)}]`;
}

/** The names, and where they are no secret the values, of the headers that a destination shows. */
export function shownHeaders(shown: unknown): { name: string; value: string | undefined }[] {
  const items: unknown[] = Array.isArray(shown) ? shown : [];
  return items.flatMap((item) =>
    typeof item === "object" && item !== null && "name" in item && typeof item.name === "string"
      ? [{ name: item.name, value: "value" in item && typeof item.value === "string" ? item.value : undefined }]
      : [],
  );
}

/** The form of stored headers. `keep`: their values, which are not shown, are kept. */
export function storedHeaders(shown: unknown, keep: boolean): HeaderField[] {
  return shownHeaders(shown).map((h, n) =>
    h.value === undefined
      ? { key: `stored-${n}`, name: h.name, value: "", stored: keep ? "keep" : "replace" }
      : { key: `stored-${n}`, name: h.name, value: h.value, stored: "no" },
  );
}

/** A header that was kept here and is gone there cannot be kept; one that is new there is kept. */
export function rebaseHeaders(mine: readonly HeaderField[], theirs: readonly HeaderField[]): HeaderField[] {
  const key = (h: HeaderField) => h.name.toLowerCase();
  const stored = new Set(theirs.map(key));
  const here = mine
    .filter((h) => stored.has(key(h)) || (h.stored !== "keep" && h.stored !== "remove"))
    .map((h): HeaderField => (stored.has(key(h)) ? h : { ...h, stored: "no" }));
  const known = new Set(mine.map(key));
  return [...here, ...theirs.filter((h) => !known.has(key(h))).map((h) => ({ ...h, key: `fresh-${h.name}` }))];
}

/** How many headers there may be, and how long a value. */
type Most = { items: number; value: number };

/** What is wrong with the headers, by path. The server knows more rules, such as which names are reserved. */
export function headerErrors(field: string, headers: readonly HeaderField[], most: Most): Map<string, string> {
  const errors = new Map<string, string>();
  const wrong = (path: string, message: string | undefined) => {
    if (message !== undefined && !errors.has(path)) {
      errors.set(path, message);
    }
  };
  const sent = sentHeaders(headers);
  if (sent.length > most.items) {
    wrong(field, `At most ${most.items} headers.`);
  }
  for (const [n, h] of sent.entries()) {
    const path = headerPath(field, headers, h.key);
    const twin = sent.findIndex((other) => other.name.trim().toLowerCase() === h.name.trim().toLowerCase());
    wrong(`${path}.name`, headerNameError(h.name.trim()));
    wrong(`${path}.name`, twin < n ? "This header is there already; case does not matter." : undefined);
    wrong(`${path}.value`, h.stored === "keep" ? undefined : headerValueError(h.value, most.value));
  }
  return errors;
}

function headerNameError(name: string): string | undefined {
  if (name === "") {
    return "Enter a name, or remove the header.";
  }
  if (name.length > 256) {
    return "At most 256 characters.";
  }
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)
    ? undefined
    : "Only letters, digits and !#$%&'*+-.^_`|~, without spaces or a colon.";
}

function headerValueError(value: string, most: number): string | undefined {
  const trimmed = trimBlanks(value);
  if (trimmed === "") {
    return "Enter a value.";
  }
  if (trimmed.length > most) {
    return `At most ${most.toLocaleString()} characters.`;
  }
  return /^[\t\x20-\x7e]*$/.test(trimmed)
    ? undefined
    : "Only visible ASCII characters, spaces and tabs, and no line break.";
}

/** Without the blanks at both ends, which HTTP does not count as part of a value. */
export function trimBlanks(text: string): string {
  return text.replaceAll(/^[ \t]+|[ \t]+$/g, "");
}
