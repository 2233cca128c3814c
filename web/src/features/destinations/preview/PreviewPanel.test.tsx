import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { newForm } from "../form/form";
import { sampleType } from "../sample";
import { PreviewPanel } from "./PreviewPanel";

test.each([
  ["signs", [{ name: "webhook-signature", value: "v1,abc" }], 1],
  ["does not sign", [], 0],
])("of a type that %s it is said, or not, that the signature is an example", (_name, headers, times) => {
  render(
    <MantineProvider>
      <PreviewPanel type={{ ...sampleType, example: { method: "POST", headers, body: "{}" } }} values={newForm} />
    </MantineProvider>,
  );
  expect(screen.getByText(/A test shows the request that was sent\./)).toBeTruthy();
  expect(screen.queryAllByText(/Its signature is one too/)).toHaveLength(times);
});
