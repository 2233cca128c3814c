import { expect, test } from "vitest";
import { balanced, isolated } from "./bidi";
import { destinationName } from "./labels";

test.each([
  ["SOAR", "SOAR"],
  ["a\u202eb", "a\u202eb\u202c"],
  ["a\u2067b\u202ac", "a\u2067b\u202ac\u202c\u2069"],
  ["\u2069\u202ca", "a"],
  ["\u2066a\u202cb\u2069c", "\u2066ab\u2069c"],
  ["\u202dx\u202c", "\u202dx\u202c"],
])("%j ends within itself what it turns", (text, want) => {
  expect(balanced(text)).toBe(want);
});

test("what turns nothing stays as it is, and what does is kept to itself", () => {
  expect(isolated("SOAR – Zürich 3")).toBe("SOAR – Zürich 3");
  expect(isolated("\u05d0\u05d1")).toBe("\u2068\u05d0\u05d1\u2069");
  expect(isolated("\u2069a\u202eb")).toBe("\u2068a\u202eb\u202c\u2069");
});

test("a name does not turn what we say of it", () => {
  const destination = { id: "d", displayName: "SO\u202eRA", type: "sample", deleted: true };
  expect(destinationName(destination)).toBe("\u2068SO\u202eRA\u202c\u2069 (deleted)");
});
