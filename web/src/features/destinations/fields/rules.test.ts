import { describe, expect, test } from "vitest";
import type { SettingsField } from "../../../api/types";
import { sampleDestination, sampleField, sampleType } from "../sample";
import type { HeaderField } from "./headers";
import { settingsErrors } from "./rules";
import type { SettingValue } from "./settings";

const text = (entered: string): SettingValue => ({ as: "text", text: entered, keep: false });
const kept: SettingValue = { as: "text", text: "", keep: true };
const header = (name: string, value: string, stored: HeaderField["stored"] = "no"): HeaderField => ({
  key: `${name} ${value}`,
  name,
  value,
  stored,
});

/** What is wrong with a text that is entered for a field. */
const errorOf = (more: Partial<SettingsField>, entered: string) =>
  settingsErrors([sampleField("x", { label: "Thing", ...more })], { x: text(entered) }, undefined).get("settings.x");

describe("a field is checked by its description", () => {
  test.each([
    ["required", { required: true }, " ", "Enter Thing."],
    ["required choice", { kind: "select", required: true }, "", "Choose Thing."],
    ["length", { maxLength: 3 }, "four", "At most 3 characters."],
    ["one line", {}, "a\tb", "No line breaks"],
    ["URL", { kind: "url" }, "example.com", "Must start with"],
    ["choice", { kind: "select", options: [{ value: "a", label: "A" }] }, "b", "Choose one of the list."],
    ["PEM", { kind: "pem" }, "MIIB", "Must be PEM"],
    ["number", { kind: "number", minimum: 1, maximum: 9 }, "10", "A number from 1 to 9"],
    ["no number", { kind: "number" }, "1e3", "A number"],
    ["whole number", { kind: "number", whole: true, minimum: 1, maximum: 9 }, "1.5", "A whole number from 1 to 9"],
  ] as const)("%s", (_name, field, entered, message) => {
    expect(errorOf(field as Partial<SettingsField>, entered)).toContain(message);
  });

  test.each([
    ["nothing, where nothing is required", {}, ""],
    ["as long as it may be", { maxLength: 3 }, "äöü"],
    ["lines", { kind: "multiline" }, "a\nb"],
    ["a choice", { kind: "select", options: [{ value: "a", label: "A" }] }, "a"],
    ["a negative number", { kind: "number" }, "-2.5"],
    ["a whole number", { kind: "number", whole: true, minimum: 1, maximum: 9 }, "9"],
    ["PEM", { kind: "pem" }, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"],
    ["a kind of a newer server", { kind: "color" }, "red"],
  ])("%s passes", (_name, field, entered) => {
    // A newer server may have other kinds.
    expect(errorOf(field as Partial<SettingsField>, entered)).toBeUndefined();
  });

  test("a secret that is kept has no text to check", () => {
    const field = sampleField("x", { required: true, secret: true, kind: "secret" });
    expect([...settingsErrors([field], { x: kept }, undefined)]).toEqual([]);
  });

  test("a field that is not asked for is not checked", () => {
    const fields = [
      sampleField("mode", { kind: "select", default: "none" }),
      sampleField("token", { required: true, onlyIf: { field: "mode", values: ["token"] } }),
    ];
    expect([...settingsErrors(fields, {}, undefined)]).toEqual([]);
    expect([...settingsErrors(fields, { mode: text("token") }, undefined).keys()]).toEqual(["settings.token"]);
  });
});

const pathsOf = (headers: HeaderField[]) => [
  ...settingsErrors(
    sampleType.fields,
    { url: text("https://a.example.com"), headers: { as: "headers", headers } },
    undefined,
  ).keys(),
];

describe("headers", () => {
  test.each([
    ["a name that is no token", [header("X Key", "v")], ["settings.headers[0].name"]],
    ["one name twice", [header("X-Key", "1"), header("x-key", "2")], ["settings.headers[1].name"]],
    ["no value", [header("X-Key", " ")], ["settings.headers[0].value"]],
    ["a line break", [header("X-Key", "a\nb")], ["settings.headers[0].value"]],
    ["no name", [header("", "v")], ["settings.headers[0].name"]],
    ["more than 20", Array.from({ length: 21 }, (_, n) => header(`X-${n}`, "v")), ["settings.headers"]],
  ])("%s is refused", (_name, headers, want) => {
    expect(pathsOf(headers)).toEqual(want);
  });

  test("rows that are left empty or removed do not count in the paths", () => {
    expect(pathsOf([header("", ""), header("X-Old", "", "remove"), header("X-Key", "")])).toEqual([
      "settings.headers[0].value",
    ]);
  });

  test("a kept value is not sent to a new host", () => {
    const headers: SettingValue = { as: "headers", headers: [header("X-Key", "", "keep")] };
    const to = (url: string) => [
      ...settingsErrors(sampleType.fields, { url: text(url), headers }, sampleDestination).keys(),
    ];
    expect(to("https://soar.example.com/other")).toEqual([]);
    expect(to("https://soar.example.com:443/other")).toEqual([]);
    expect(to("https://elsewhere.example.com/")).toEqual(["settings.headers"]);
    expect(to("http://soar.example.com/")).toEqual(["settings.headers"]);
    expect(to("elsewhere")).toEqual(["settings.url"]);
  });

  test("that is said beside what is wrong elsewhere", () => {
    const fields = [...sampleType.fields, sampleField("room", { required: true })];
    const headers: SettingValue = { as: "headers", headers: [header("X-Key", "", "keep"), header("X Bad", "v")] };
    const values = { url: text("https://elsewhere.example.com/"), headers };
    expect([...settingsErrors(fields, values, sampleDestination).keys()].toSorted()).toEqual([
      "settings.headers",
      "settings.headers[1].name",
      "settings.room",
    ]);
  });
});

test("nor is another secret that is kept", () => {
  const fields = [...sampleType.fields, sampleField("key", { kind: "secret", secret: true })];
  const to = (url: string) => [...settingsErrors(fields, { url: text(url), key: kept }, sampleDestination).keys()];
  expect(to("https://soar.example.com/other")).toEqual([]);
  expect(to("https://elsewhere.example.com/")).toEqual(["settings.key"]);
});
