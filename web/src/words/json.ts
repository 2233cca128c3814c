/** A piece of JSON: a text, a sign, or whatever else stands between signs. */
const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** The pieces of valid JSON, one after the other, with where each one begins. */
export function* tokensOf(text: string): Generator<{ token: string; at: number }> {
  for (const match of text.matchAll(tokens)) {
    yield { token: match[0], at: match.index };
  }
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
