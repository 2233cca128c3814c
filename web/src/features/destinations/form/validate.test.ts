import { describe, expect, test } from "vitest";
import { sampleDestination, sampleType } from "../sample";
import { type FormValues, newForm } from "./form";
import { validate } from "./validate";

const good: FormValues = {
  ...newForm,
  displayName: "SOAR",
  settings: { url: { as: "text", text: "https://soar.example.com/hooks", keep: false } },
};
const pathsOf = (v: Partial<FormValues>) => [...validate({ ...good, ...v }, sampleType, undefined, []).keys()];

test("a form as it should be has no errors", () => {
  expect(pathsOf({})).toEqual([]);
  expect(pathsOf({ severities: [], logTypes: [] })).toEqual([]);
});

test("what is wrong with the settings is told by the path of the field", () => {
  expect(pathsOf({ settings: {} })).toEqual(["settings.url"]);
});

describe("names", () => {
  test.each(["", "   ", "skip", "x".repeat(101), "a\nb", "01934f3c-2d6e-7a40-8a1c-55d0e1a7b001"])(
    "%j is refused",
    (n) => {
      expect(pathsOf({ displayName: n })).toEqual(["displayName"]);
    },
  );

  test("another destination's is refused, ignoring case", () => {
    const errors = validate({ ...good, displayName: "soar " }, sampleType, undefined, [sampleDestination]);
    expect(errors.get("displayName")).toContain("Another");
  });
});

test("filters and limits have their bounds", () => {
  expect(pathsOf({ alertTypes: [] })).toEqual(["alertTypes"]);
  expect(pathsOf({ logTypes: Array.from({ length: 101 }, (_, n) => `T${n}`) })).toEqual(["logTypes"]);
  expect(pathsOf({ maxInFlight: "0" })).toEqual(["limits.maxInFlight"]);
  expect(pathsOf({ maxInFlight: "1001" })).toEqual(["limits.maxInFlight"]);
  expect(pathsOf({ ratePerSecond: "1", burst: "1.5" })).toEqual(["limits.burst"]);
  expect(pathsOf({ ratePerSecond: " ", burst: "0" })).toEqual([]);
});

test.each(["0.5", "0.05", "0.01", "10000", " 5 "])("a rate can be %j", (ratePerSecond) => {
  expect(pathsOf({ ratePerSecond })).toEqual([]);
});

test.each(["0", "0.009", "10001", "-3", "1e2", "0,5", "1,000", "five"])("a rate cannot be %j", (ratePerSecond) => {
  expect(pathsOf({ ratePerSecond })).toEqual(["limits.ratePerSecond"]);
});
