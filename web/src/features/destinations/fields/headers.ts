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

/** The path of a header in a request, by which the server's errors and ours name it. */
export function headerPath(headers: readonly HeaderField[], key: string): string {
  return `settings.headers[${sentHeaders(headers).findIndex((h) => h.key === key)}]`;
}

const reserved = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "content-type",
  "idempotency-key",
  "x-idempotency-key",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
  "expect",
]);

/** What is wrong with a header's name, by the rules of openapi.yaml. */
export function headerNameError(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (name === "") {
    return "Enter a name, or remove the header.";
  }
  if (name.length > 256) {
    return "At most 256 characters.";
  }
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    return "Only letters, digits and !#$%&'*+-.^_`|~, without spaces or a colon.";
  }
  if (reserved.has(lower) || lower.startsWith("webhook-") || lower.startsWith("belfry-")) {
    return "This name is reserved: Belfry or HTTP itself sets it.";
  }
  return undefined;
}

/** What is wrong with a header's value. */
export function headerValueError(value: string): string | undefined {
  const trimmed = value.replaceAll(/^[ \t]+|[ \t]+$/g, "");
  if (trimmed === "") {
    return "Enter a value.";
  }
  if (trimmed.length > 4096) {
    return "At most 4096 characters.";
  }
  if (!/^[\t\x20-\x7e]*$/.test(trimmed)) {
    return "Only visible ASCII characters, spaces and tabs, and no line break.";
  }
  return undefined;
}
