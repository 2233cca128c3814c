import { describe, expect, test } from "vitest";
import type { Destination } from "../../../api/types";
import type { HeaderField } from "../fields/headers";
import { changesOf, formOf, inputOf, newForm, patchOf, rebase, testOf } from "./form";

const saved: Destination = {
  id: "01934f3c-2d6e-7a40-8a1c-55d0e1a7b001",
  displayName: "SOAR",
  type: "webhook",
  state: "active",
  severities: ["HIGH", "CRITICAL"],
  alertTypes: ["RULE"],
  logTypes: ["AWS.CloudTrail"],
  overrideOnly: false,
  formerNames: [],
  usable: true,
  unusableReason: null,
  unusableMessage: null,
  limits: { maxInFlight: 8, ratePerSecond: 5, burst: 20, holdNotAnswering: true },
  responseStorage: "full",
  settings: {
    url: "https://soar.example.com",
    headers: [{ name: "X-API-Key" }, { name: "X-Team" }],
  },
  storedSecrets: ["url", "headers"],
  signing: { createdAt: "2026-03-02T12:00:00Z", previousValidUntil: null },
  version: 3,
  createdAt: "2026-03-02T12:00:00Z",
  updatedAt: "2026-03-02T12:00:00Z",
};
const form = formOf(saved);
const [apiKey, team] = form.headers as [HeaderField, HeaderField]; // the two above

test("a new destination takes all, and its secrets are sent as they were entered", () => {
  const input = inputOf({
    ...newForm,
    displayName: "  SOAR ",
    url: " https://soar.example.com/hooks/1f0c ",
    headers: [
      { key: "1", name: "X-API-Key", value: " example-value ", stored: "no" },
      { key: "2", name: "", value: "", stored: "no" },
    ],
  });
  expect(input).toMatchObject({
    displayName: "SOAR",
    type: "webhook",
    limits: { maxInFlight: 16, ratePerSecond: null, burst: null, holdNotAnswering: true },
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
    expect(patchOf({ ...form, headers }, saved).settings).toEqual({
      headers: [
        { name: "X-API-Key", value: "next" },
        { name: "X-More", value: "1" },
      ],
    });
    expect(patchOf({ ...form, headers: [apiKey, { ...team, stored: "remove" }] }, saved).settings).toEqual({
      headers: [{ name: "X-API-Key" }],
    });
  });

  test("a cleared rate takes the burst with it", () => {
    expect(patchOf({ ...form, ratePerSecond: "" }, saved).limits).toEqual({
      maxInFlight: 8,
      ratePerSecond: null,
      burst: null,
      holdNotAnswering: true,
    });
  });
});

test("settings that cannot be opened are to be entered again", () => {
  const lost = { ...saved, usable: false, unusableReason: "signing_secret" as const }; // its URL may be known: then the signing secret is lost
  expect(formOf(lost).keepUrl).toBe(false);
  expect(patchOf({ ...formOf(lost), url: "https://soar.example.com" }, lost).settings).toEqual({
    url: "https://soar.example.com",
  });
});

describe("what a test is of", () => {
  test("the saved destination while URL and headers are as they are stored", () => {
    expect(testOf({ ...form, displayName: "Another" }, saved)).toEqual({ kind: "saved", id: saved.id });
  });

  test("the settings as entered while there is no destination yet", () => {
    expect(testOf({ ...newForm, url: " https://a.example.com " }, undefined)).toEqual({
      kind: "settings",
      input: { type: "webhook", settings: { url: "https://a.example.com", headers: [] } },
    });
  });

  test("the change of the settings, which the server completes with what it has stored", () => {
    const url = { ...form, keepUrl: false, url: "https://soar.example.com/new" };
    expect(testOf(url, saved)).toEqual({
      kind: "settings",
      input: { destinationId: saved.id, settings: { url: "https://soar.example.com/new" } },
    });
    const value = { ...form, headers: [{ ...apiKey, stored: "replace" as const, value: "v" }, team] };
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
      ...form,
      displayName: "Another",
      keepUrl: false,
      url: "https://other.example.com",
      headers: form.headers.map((h): HeaderField => ({ ...h, stored: "replace", value: "v" })),
    };
    const of = testOf(all, saved);
    expect(of.kind === "settings" && of.input).toEqual({
      destinationId: saved.id,
      settings: patchOf(all, saved).settings,
    });
  });
});

test("what was changed is named for people", () => {
  expect(changesOf(patchOf({ ...form, severities: [], holdNotAnswering: false }, saved))).toEqual([
    "Severity Levels",
    "Limits",
  ]);
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
    const mine = { ...form, headers: [{ ...apiKey, stored: "replace" as const, value: "next" }, team] };
    const rebased = rebase(mine, saved, fresh);
    expect(rebased.headers.map((h) => [h.name, h.stored])).toEqual([["X-API-Key", "replace"]]);
  });
});
