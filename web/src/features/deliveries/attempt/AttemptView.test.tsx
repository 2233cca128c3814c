import { MantineProvider } from "@mantine/core";
import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Attempt } from "../../../api/types";
import { AttemptBody, AttemptHead } from "./AttemptView";

const attempt: Attempt = {
  id: "01934f3c-2d6e-7a40-8a1c-55d0e1a7b001",
  number: 1,
  run: 1,
  trigger: "automatic",
  requestedBy: null,
  startedAt: "2026-03-02T12:00:00Z",
  durationMs: 1_000,
  class: "rejected",
  statusCode: 500,
  error: null,
  waitReason: "held",
  waitedMs: 300_000,
  counted: true,
  responseBody: "",
  responseStorage: "full",
  responseBodyBase64: null,
  responseTruncated: false,
  responseSize: 0,
  deliveryId: null,
  destinationId: null,
  address: null,
  timing: { dnsMs: 0, connectMs: 0, tlsMs: 0, firstByteMs: 0, bodyMs: 0 },
  requestMethod: "POST",
  requestUrl: null,
  requestHeaders: [],
  responseHeaders: [],
  requestBody: "{}",
  requestBodyTruncated: true,
  responseHeadersTruncated: false,
  retriedStale: false,
  stripped: false,
};

test("the first attempt of a delivery that was held waited after no other", () => {
  render(
    <MantineProvider>
      <AttemptHead attempt={attempt} />
      <AttemptHead attempt={{ ...attempt, number: 2 }} />
    </MantineProvider>,
  );
  const [first, second] = screen.getAllByText(/the delivery was held/);
  expect(first?.textContent).toMatch(/held\. It waited 5 m\S*\.$/);
  expect(second?.textContent).toMatch(/held\. It came 5 m\S* after the one before\.$/);
});

test.each([
  ["a body that is there", attempt, 1],
  ["a body that is not kept", { ...attempt, requestBody: null, stripped: true }, 0],
])("of %s it is said, or not, that it was longer", (_name, shown, times) => {
  render(
    <MantineProvider>
      <AttemptBody attempt={shown} />
    </MantineProvider>,
  );
  fireEvent.click(screen.getByRole("tab", { name: "Request" }));
  expect(screen.queryAllByText(/The body was longer/)).toHaveLength(times);
});
