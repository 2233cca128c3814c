import { describe, expect, test } from "vitest";
import type { Destination } from "../../../api/types";
import { sampleDestination, sampleField } from "../sample";
import {
  askedFields,
  lackedKey,
  placeOf,
  settingsInput,
  settingsPatch,
  shownSetting,
  storedSettings,
} from "./settings";

const fields = [
  sampleField("room", { required: true }),
  sampleField("auth.kind", {
    kind: "select",
    default: "none",
    options: [
      { value: "none", label: "None" },
      { value: "key", label: "Key" },
    ],
  }),
  sampleField("auth.key", {
    kind: "secret",
    secret: true,
    required: true,
    onlyIf: { field: "auth.kind", values: ["key"] },
  }),
  sampleField("most", { kind: "number", whole: true }),
  sampleField("loud", { kind: "boolean", default: true }),
  sampleField("note", { kind: "multiline" }),
];
const text = (entered: string) => ({ as: "text", text: entered, keep: false }) as const;

// What the API shows of other types has no type of its own.
const saved = {
  ...sampleDestination,
  settings: { room: "alerts", auth: { kind: "key" }, most: 3, loud: false },
  storedSecrets: ["auth.key"],
} as unknown as Destination;

describe("new settings", () => {
  test("have what was entered and the defaults that the form shows, and nothing that is not asked for", () => {
    expect(settingsInput(fields, { room: text(" alerts "), most: text(""), "auth.key": text("k") })).toEqual({
      room: "alerts",
      auth: { kind: "none" },
      loud: true,
    });
  });

  test("have a number as a number, and a dot in a name as an object", () => {
    expect(
      settingsInput(fields, { room: text("a"), "auth.kind": text("key"), "auth.key": text(" k "), most: text("5") }),
    ).toEqual({ room: "a", auth: { kind: "key", key: " k " }, most: 5, loud: true });
  });
});

describe("stored settings", () => {
  const form = storedSettings(fields, saved);

  test("are shown as they are, and a secret as one that stays", () => {
    expect(form).toMatchObject({
      room: text("alerts"),
      "auth.kind": text("key"),
      "auth.key": { as: "text", text: "", keep: true },
      most: text("3"),
      loud: { as: "truth", on: false },
    });
    expect(shownSetting(saved, sampleField("auth.kind", {}))).toBe("key");
  });

  test("are sent only where they were changed", () => {
    expect(settingsPatch(fields, form, form)).toEqual({});
    expect(settingsPatch(fields, { ...form, most: text("4") }, form)).toEqual({ most: 4 });
  });

  test("are emptied by null", () => {
    expect(settingsPatch(fields, { ...form, most: text(" ") }, form)).toEqual({ most: null });
  });

  test("give up a secret that is not asked for any more", () => {
    const none = { ...form, "auth.kind": text("none") };
    expect(askedFields(fields, none).map((f) => f.name)).not.toContain("auth.key");
    expect(settingsPatch(fields, none, form)).toEqual({ auth: { kind: "none", key: null } });
  });

  test("say where they lead, by a URL or the first text", () => {
    const type = { type: "t", name: "T", description: "", fields };
    expect(placeOf(saved, type)).toBe("alerts");
    expect(placeOf(saved, undefined)).toBeUndefined();
  });
});

test("settings that only this server cannot open are said to lack a key", () => {
  expect(lackedKey(saved)).toBeUndefined();
  expect(lackedKey({ ...saved, settings: null })).toContain("lacks the key");
  expect(lackedKey({ ...saved, settings: null, usable: false })).toBeUndefined();
});
