import { MantineProvider } from "@mantine/core";
import { QueryClientProvider, skipToken, useQuery } from "@tanstack/react-query";
import { act, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { alertKey } from "../../../api/alerts";
import { client } from "../../../api/client";
import { Problem } from "../../../api/problem";
import { newQueryClient } from "../../../api/queryClient";
import { sessionKey } from "../../../api/session";
import type { AlertDetails, Delivery } from "../../../api/types";
import { SendButton } from "./SendButton";

const failed: Delivery = {
  id: "d",
  alertId: "a",
  destination: { id: "t", displayName: "SOAR", type: "sample", deleted: false },
  status: "failed",
  reason: "attempts_exhausted",
  routedBy: "filters",
  why: "",
  run: 1,
  attempts: 11,
  maxAttempts: 11,
  dueAt: null,
  createdAt: "2026-03-02T12:00:00Z",
  finishedAt: "2026-03-02T13:00:00Z",
  firstAckAt: null,
  lastAttempt: null,
};

/** The delivery as the page knows it, with its button: a guess of the button's is seen by the button. */
function Row() {
  const { data } = useQuery<AlertDetails>({ queryKey: alertKey("a"), queryFn: skipToken });
  const delivery = data?.deliveries[0];
  return (
    delivery && (
      <>
        <p>
          {delivery.status}, run {delivery.run}, {delivery.attempts} tries
        </p>
        <SendButton delivery={delivery} />
      </>
    )
  );
}

function show(delivery: Delivery) {
  const queries = newQueryClient();
  queries.setQueryData(sessionKey, { name: "ada", scopes: ["operate"], expiresAt: null });
  queries.setQueryData(alertKey("a"), { deliveries: [delivery] });
  render(
    <QueryClientProvider client={queries}>
      <MantineProvider>
        <Row />
      </MantineProvider>
    </QueryClientProvider>,
  );
  const press = (name: string) => act(async () => screen.getByRole("button", { name }).click());
  return { press };
}

/** The order is taken, and its answer comes when the test says so. */
function ordered() {
  let fail: (error: Error) => void = () => {};
  const post = vi.spyOn(client, "POST").mockImplementation(
    () =>
      new Promise((_, reject) => {
        fail = reject;
      }),
  );
  return { post, fail: (error: Error) => act(async () => fail(error)) };
}

test.each([
  new Problem({ status: 0, code: "unreachable", detail: "Belfry cannot be reached." }),
  new Problem({ status: 409, code: "delivery_open", detail: "It is open." }),
])("what the server did not take is put back: $message", async (problem) => {
  const { post, fail } = ordered();
  const { press } = show(failed);
  await press("Re-send");
  await screen.findByText("queued, run 2, 0 tries");
  expect(post).toHaveBeenCalledTimes(1);
  await fail(problem);
  await screen.findByText("failed, run 1, 11 tries");
  expect((await screen.findByRole("alert")).textContent).toContain(`“Re-send” did not work${problem.message}`);
  expect(screen.getByRole("button", { name: "Re-send" }).getAttribute("aria-disabled")).toBeNull();
});

test("what is held goes out in the same run, and asks before it goes past a pause", async () => {
  const { post } = ordered();
  const { press } = show({ ...failed, status: "held", reason: "paused", attempts: 0, finishedAt: null });
  await press("Send now");
  expect(post).not.toHaveBeenCalled();
  const dialog = await screen.findByRole("dialog", { name: "Send now to SOAR?" });
  expect(dialog.textContent).toContain("is sent all the same");
  const confirm = [...dialog.querySelectorAll("button")].find((b) => b.textContent === "Send now");
  await act(async () => confirm?.click());
  expect(post.mock.calls).toEqual([["/api/v1/deliveries/{id}/send-now", expect.anything()]]);
  await screen.findByText("queued, run 1, 0 tries");
});
