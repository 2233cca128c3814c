/** A piece of JSON: a text, a sign, or whatever else stands between signs. */
const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** The pieces of valid JSON, one after the other, with where each one begins. */
export function* tokensOf(text: string): Generator<{ token: string; at: number }> {
  for (const match of text.matchAll(tokens)) {
    yield { token: match[0], at: match.index };
  }
}

/**
 * Valid JSON with its texts written the short way: "\u0026" is "&". All else stays as it is, numbers to the last digit.
 * What cannot be seen, or would turn the line around, is written out.
 */
export function readable(text: string): string {
  return text.replaceAll(tokens, (token) => (token.startsWith('"') ? readableText(token) : token));
}

const unseen = /[\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** The same of one text in quotes. */
export function readableText(token: string): string {
  const short = token.includes("\\u") ? JSON.stringify(JSON.parse(token)) : token;
  return short.replaceAll(unseen, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The members of an object in JSON, each as the text that it has there. Of two with one name the last one counts. */
export function membersOf(text: string): Map<string, string> {
  const members = new Map<string, string>();
  let depth = 0;
  let name: string | undefined;
  let from = 0;
  let before = "";
  for (const { token, at } of tokensOf(text)) {
    if (depth === 1 && (token === "," || token === "}") && name !== undefined) {
      members.set(name, text.slice(from, at).trim());
      name = undefined;
    } else if (depth === 1 && token === ":" && name === undefined) {
      const parsed: unknown = JSON.parse(before);
      name = String(parsed);
      from = at + 1;
    }
    depth += token === "{" || token === "[" ? 1 : token === "}" || token === "]" ? -1 : 0;
    before = token;
  }
  return members;
}
