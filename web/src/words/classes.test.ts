import { expect, test } from "vitest";
import { outcomeSentence } from "./classes";
import { classWord } from "./status";

test("every class and every code has a sentence that says something", () => {
  for (const c of Object.keys(classWord)) {
    // The keys of a Record are its key type; TypeScript does not keep that.
    const sentence = outcomeSentence({ class: c as keyof typeof classWord, statusCode: null });
    expect(sentence).toMatch(/^[A-Z].{20,}\.$/);
  }
  for (let code = 100; code < 600; code++) {
    expect(outcomeSentence({ class: "rejected", statusCode: code })).toMatch(/^[A-Z].{20,}\.$/);
  }
});

test.each([
  [401, /credentials/],
  [404, /URL/],
  [413, /too large/],
  [429, /fewer requests/],
  [500, /failed on its side/],
  [418, /refused the alert/],
])("a %d says what to look at", (statusCode, what) => {
  expect(outcomeSentence({ class: "rejected", statusCode })).toMatch(what);
});

test("a redirect says that it is not followed", () => {
  expect(outcomeSentence({ class: "redirected", statusCode: 302 })).toMatch(/never followed/);
});
