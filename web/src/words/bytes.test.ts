import { expect, test } from "vitest";
import { bytesOf, hexDump, prettyJSON, size } from "./bytes";
import { membersOf, readable } from "./json";

test("JSON is indented as it is: digits, doubled keys and escapes stay", () => {
  const text = '{"n":12345678901234567890,"a":{},"b":[ ],"c":[1,{"d":"x\\"{,}: y"}],"a":-1.50e+3}';
  expect(prettyJSON(text)).toBe(
    [
      "{",
      '  "n": 12345678901234567890,',
      '  "a": {},',
      '  "b": [],',
      '  "c": [',
      "    1,",
      "    {",
      '      "d": "x\\"{,}: y"',
      "    }",
      "  ],",
      '  "a": -1.50e+3',
      "}",
    ].join("\n"),
  );
});

test("texts are written as they are read, and what cannot be seen is written out", () => {
  const text = '{"\\u0061":"a \\u0026 b \\u003c\\u00e9\\ud83d\\ude00\\n\\u0000","n":1e400,"rtl":"\u202ex\\u2066"}';
  const short = '{"a":"a & b <é😀\\n\\u0000","n":1e400,"rtl":"\\u202ex\\u2066"}';
  expect(readable(text)).toBe(short);
  expect(JSON.parse(readable(text))).toEqual(JSON.parse(text));
  expect(prettyJSON(text)?.replaceAll(/\n */g, "").replaceAll('": ', '":')).toBe(short);
});

test.each(["", "success", '"text"', "12", "{not json}", '{"cut":'])("%j is not JSON worth indenting", (text) => {
  expect(prettyJSON(text)).toBeUndefined();
});

test("the members of an object keep their text", () => {
  const members = membersOf('{"a": {"x":[1,2]} , "b":12345678901234567890,"c":"}","d":null}');
  expect([...members]).toEqual([
    ["a", '{"x":[1,2]}'],
    ["b", "12345678901234567890"],
    ["c", '"}"'],
    ["d", "null"],
  ]);
});

test("bytes are shown as they are", () => {
  expect(hexDump(bytesOf({ text: "GET /\u00e9 0123456789" }))).toBe(
    "000000  47 45 54 20 2f c3 a9 20  30 31 32 33 34 35 36 37  GET /.. 01234567\n" +
      "000010  38 39                                             89",
  );
  expect([...bytesOf({ base64: "AP/+" })]).toEqual([0, 255, 254]);
});

test.each([
  [0, "0 bytes"],
  [1, "1 byte"],
  [1023, "1023 bytes"],
  [65536, "64 KiB"],
  [3_355_444, "3.2 MiB"],
])("%d is %s", (bytes, text) => {
  expect(size(bytes)).toBe(text);
});
