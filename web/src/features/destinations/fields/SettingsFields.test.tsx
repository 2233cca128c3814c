import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Destination } from "../../../api/types";
import { sampleDestination, sampleField, sampleType } from "../sample";
import { SettingsFields } from "./SettingsFields";
import { storedSettings } from "./settings";

const fields = [
  ...sampleType.fields,
  sampleField("token", { label: "Token", kind: "secret", secret: true, help: "It may post." }),
  sampleField("room", { label: "Room", help: "Where it posts." }),
];

function show(saved: Destination | undefined, errorOf: (path: string) => string | undefined = () => undefined) {
  render(
    <MantineProvider>
      <SettingsFields
        fields={fields}
        values={saved ? storedSettings(fields, saved) : {}}
        saved={saved}
        onChange={() => {}}
        errorOf={errorOf}
      />
    </MantineProvider>,
  );
}

const descriptionOf = (input: HTMLElement) =>
  (input.getAttribute("aria-describedby") ?? "")
    .split(" ")
    .map((id) => document.getElementById(id)?.textContent)
    .join(" ");

const saved: Destination = { ...sampleDestination, storedSecrets: ["url", "headers", "token"] };

test("of each secret the form says that it is stored sealed", () => {
  show(undefined);
  expect(descriptionOf(screen.getByLabelText(/^Token/))).toBe("It may post. Stored sealed and not shown again.");
  expect(descriptionOf(screen.getByLabelText(/^Service URL/))).toBe("Stored sealed and not shown again.");
  expect(screen.getByRole("group", { name: "Headers" }).textContent).toContain("Stored sealed and not shown again.");
  expect(descriptionOf(screen.getByLabelText(/^Room/))).toBe("Where it posts.");
});

test("so it does of one that is kept", () => {
  show(saved);
  expect(screen.getAllByText(/Stored sealed and not shown again\./)).toHaveLength(3);
});

test("what is wrong with a secret that is kept is said of its buttons", () => {
  show(saved, (path) => (path === "settings.token" ? "Enter it again." : undefined));
  for (const name of ["Replace Token", "Remove Token"]) {
    expect(descriptionOf(screen.getByRole("button", { name }))).toBe("Enter it again.");
  }
  expect(screen.getByRole("button", { name: "Replace Service URL" }).getAttribute("aria-describedby")).toBeNull();
});
