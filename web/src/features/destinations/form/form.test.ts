import { describe, expect, test } from "vitest";
import type { Destination } from "../../../api/types";
import type { HeaderField } from "../fields/headers";
import { storedHeaders } from "../fields/headers";
import type { SettingValue } from "../fields/settings";
import { sampleDestination as saved, sampleType as type } from "../sample";
import * as forms from "./form";
import { type FormValues, newForm } from "./form";

const patchOf = (v: FormValues, d: Destination) => forms.patchOf(v, d, type);
const formOf = (d: Destination) => forms.formOf(d, type);
const testOf = (v: FormValues, d?: Destination) => forms.testOf(v, d, type);
const rebase = (v: FormValues, old: Destination, fresh: Destination) => forms.rebase(v, old, fresh, type);

const url = (text: string): SettingValue => ({ as: "text", text, keep: false });
const headersAs = (headers: readonly HeaderField[]): SettingValue => ({ as: "headers", headers });
/** The form with this in its settings. */
const set = (v: FormValues, settings: Record<string, SettingValue>): FormValues => ({
  ...v,
  settings: { ...v.settings, ...settings },
});

const form = formOf(saved);
const stored = storedHeaders([{ name: "X-API-Key" }, { name: "X-Team" }], true);
const [apiKey, team] = stored as [HeaderField, HeaderField]; // the two above

test("a new destination takes all, and its secrets are sent as they were entered", () => {
  const entered = set(newForm, {
    url: url(" https://soar.example.com/hooks/1f0c "),
    headers: headersAs([
      { key: "1", name: "X-API-Key", value: " example-value ", stored: "no" },
      { key: "2", name: "", value: "", stored: "no" },
    ]),
  });
  const input = forms.inputOf({ ...entered, displayName: "  SOAR " }, type);
  expect(input).toMatchObject({
    displayName: "SOAR",
    type: "sample",
    limits: { maxInFlight: 256, ratePerSecond: null, burst: null, holdFailing: true },
    responseStorage: "full",
    settings: { url: "https://soar.example.com/hooks/1f0c", headers: [{ name: "X-API-Key", value: "example-value" }] },
  });
  expect(input.severities).toHaveLength(5);
  expect(input.alertTypes).toHaveLength(8);
});

describe("what an edit sends", () => {
  test("nothing, when nothing was changed", () => {
    expect(patchOf(form, saved)).toEqual({});
  });

  test("only what was changed, and no stored secret", () => {
    expect(patchOf({ ...form, severities: ["CRITICAL"], logTypes: [] }, saved)).toEqual({
      severities: ["CRITICAL"],
      logTypes: [],
    });
  });

  test("a header that is kept goes without its value, a replaced one with it, a removed one not at all", () => {
    const headers: HeaderField[] = [
      { ...apiKey, stored: "replace", value: "next" },
      { ...team, stored: "remove" },
      { key: "new", name: "X-More", value: "1", stored: "no" },
    ];
    expect(patchOf(set(form, { headers: headersAs(headers) }), saved).settings).toEqual({
      headers: [
        { name: "X-API-Key", value: "next" },
        { name: "X-More", value: "1" },
      ],
    });
    expect(patchOf(set(form, { headers: headersAs([apiKey, { ...team, stored: "remove" }]) }), saved).settings).toEqual(
      {
        headers: [{ name: "X-API-Key" }],
      },
    );
  });

  test("a cleared rate takes the burst with it", () => {
    expect(patchOf({ ...form, ratePerSecond: "" }, saved).limits).toEqual({
      maxInFlight: 8,
      ratePerSecond: null,
      burst: null,
      holdFailing: true,
    });
  });
});

test("settings that cannot be used are all to be entered again", () => {
  const lost: Destination = { ...saved, usable: false, unusableReason: "signing_secret" };
  expect(formOf(lost).settings.url).toEqual(url(""));
  expect(patchOf(set(formOf(lost), { url: url("https://soar.example.com") }), lost).settings).toMatchObject({
    url: "https://soar.example.com",
  });
  // Nothing of them may be known.
  expect(formOf({ ...lost, settings: null, storedSecrets: [] }).settings).toEqual({
    url: url(""),
    headers: headersAs([]),
  });
});

describe("what a test is of", () => {
  test("the saved destination while URL and headers are as they are stored", () => {
    expect(testOf({ ...form, displayName: "Another" }, saved)).toEqual({ kind: "saved", id: saved.id });
  });

  test("the settings as entered while there is no destination yet", () => {
    expect(testOf(set(newForm, { url: url(" https://a.example.com ") }))).toEqual({
      kind: "settings",
      input: { type: "sample", settings: { url: "https://a.example.com", headers: [] } },
    });
  });

  test("the change of the settings, which the server completes with what it has stored", () => {
    expect(testOf(set(form, { url: url("https://soar.example.com/new") }), saved)).toEqual({
      kind: "settings",
      input: { destinationId: saved.id, settings: { url: "https://soar.example.com/new" } },
    });
    const value = set(form, { headers: headersAs([{ ...apiKey, stored: "replace", value: "v" }, team]) });
    expect(testOf(value, saved)).toEqual({
      kind: "settings",
      input: {
        destinationId: saved.id,
        settings: { headers: [{ name: "X-API-Key", value: "v" }, { name: "X-Team" }] },
      },
    });
  });

  test("what would be saved, and nothing beside it", () => {
    const all = {
      ...set(form, {
        url: url("https://other.example.com"),
        headers: headersAs(stored.map((h) => ({ ...h, stored: "replace", value: "v" }))),
      }),
      displayName: "Another",
    };
    const of = testOf(all, saved);
    expect(of.kind === "settings" && of.input).toEqual({
      destinationId: saved.id,
      settings: patchOf(all, saved).settings,
    });
  });
});

test("what was changed is named for people", () => {
  const changed = set({ ...form, severities: [], holdFailing: false }, { url: url("https://b.example.com") });
  expect(forms.changesOf(changed, saved, type)).toEqual(["Severity Levels", "Limits", "Service URL"]);
});

describe("when someone else changed the destination meanwhile", () => {
  const fresh: Destination = {
    ...saved,
    version: 4,
    displayName: "SOAR 2",
    severities: ["LOW"],
    settings: { url: "https://soar.example.com", headers: [{ name: "X-API-Key" }] },
  };

  test("what was not changed here is as it is there", () => {
    const rebased = rebase({ ...form, alertTypes: ["POLICY"] }, saved, fresh);
    expect(patchOf(rebased, fresh)).toEqual({ alertTypes: ["POLICY"] });
    expect(rebased).toMatchObject({ displayName: "SOAR 2", severities: ["LOW"] });
  });

  test("where both changed, what was entered here stays", () => {
    expect(rebase({ ...form, severities: ["INFO"] }, saved, fresh).severities).toEqual(["INFO"]);
  });

  test("a value that is gone there is not kept", () => {
    const mine = set(form, { headers: headersAs([{ ...apiKey, stored: "replace", value: "next" }, team]) });
    expect(rebase(mine, saved, fresh).settings.headers).toEqual(
      headersAs([{ ...apiKey, stored: "replace", value: "next" }]),
    );
  });
});
