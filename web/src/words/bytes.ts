import { readableText, tokensOf } from "./json";

/**
 * Returns JSON with indents, or undefined when the text is not JSON worth indenting. Numbers keep all their digits;
 * texts are written as in `readable`.
 */
export function prettyJSON(text: string): string | undefined {
  const first = text.trimStart()[0];
  if (first !== "{" && first !== "[") {
    return undefined;
  }
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return indentJSON(text);
}

/**
 * Indents valid JSON by its own text. Parsing and writing it again would change it: 12345678901234567890 would lose
 * digits, and of two keys of one name one would go.
 */
function indentJSON(text: string): string {
  let out = "";
  let depth = 0;
  let before = "";
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const { token } of tokensOf(text)) {
    switch (token) {
      case "{":
      case "[":
        depth++;
        out += token + line();
        break;
      case "}":
      case "]":
        depth--;
        out = before === "{" || before === "[" ? out.trimEnd() + token : out + line() + token;
        break;
      case ",":
        out += token + line();
        break;
      case ":":
        out += ": ";
        break;
      default:
        out += token.startsWith('"') ? readableText(token) : token;
    }
    before = token;
  }
  return out;
}

/** The bytes of a body. */
export function bytesOf(body: { text: string } | { base64: string }): Uint8Array {
  return "text" in body
    ? new TextEncoder().encode(body.text)
    : Uint8Array.from(atob(body.base64), (c) => c.charCodeAt(0));
}

/** Bytes as `xxd` shows them: offset, sixteen bytes in hex, and their ASCII. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const hex = row.map((b, n) => (n === 8 ? " " : "") + b.toString(16).padStart(2, "0")).join(" ");
    const ascii = row.map((b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(48)}  ${ascii}`);
  }
  return lines.join("\n");
}

const unitNames = ["bytes", "KiB", "MiB", "GiB"];

/** A size: "512 bytes", "3.2 MiB". */
export function size(bytes: number): string {
  let n = bytes;
  let unit = 0;
  while (n >= 1024 && unit < unitNames.length - 1) {
    n /= 1024;
    unit++;
  }
  const text = unit === 0 || n >= 100 || Number.isInteger(n) ? String(Math.round(n)) : n.toFixed(1);
  return `${text} ${bytes === 1 ? "byte" : (unitNames[unit] ?? "")}`;
}
