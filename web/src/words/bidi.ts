// Text of others may hold characters that turn the direction of what follows, and an isolate around it is no help against
// one that closes the isolate. So what it opens is closed, and what it closes without having opened is left out.

const opens = /[\u202a\u202b\u202d\u202e\u2066-\u2068]/;
const controls = /[\u202a-\u202e\u2066-\u2069]/;
// Those, and letters that are written from right to left.
const turns =
  /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

const firstStrong = "\u2068";
const popEmbedding = "\u202c";
const popIsolate = "\u2069";

/** The text with each turn of direction ended within it. */
export function balanced(text: string): string {
  if (!controls.test(text)) {
    return text;
  }
  const ends: string[] = []; // what ends each of those that are open
  let out = "";
  for (const c of text) {
    if (opens.test(c)) {
      ends.push(c >= "\u2066" ? popIsolate : popEmbedding);
    } else if (c === popIsolate || c === popEmbedding) {
      if (ends.at(-1) !== c) {
        continue;
      }
      ends.pop();
    }
    out += c;
  }
  return out + ends.reverse().join("");
}

/** A text of someone else’s, to stand in a line with words of ours: a name, a title. It turns nothing around it. */
export function isolated(text: string): string {
  return turns.test(text) ? `${firstStrong}${balanced(text)}${popIsolate}` : text;
}
