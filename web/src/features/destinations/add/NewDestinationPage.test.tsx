import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { client } from "../../../api/client";
import { openPage } from "../../../openPage";

const id = "01934f3c-2d6e-7a40-8a1c-55d0e1a7b001";

async function added() {
  // One answer for every call; the spies have the types of all of them.
  const answer = (data: unknown) => ({ data, response: new Response() }) as never;
  const post = vi
    .spyOn(client, "POST")
    .mockResolvedValue(answer({ id, displayName: "SOAR", formerNames: [], signingSecret: "whsec_abc" }));
  const router = openPage("/destinations");
  await screen.findByRole("heading", { name: "Alert Destinations", level: 1 });
  await act(() => router.navigate({ to: "/destinations/new", search: { type: "webhook" } }));
  fireEvent.change(await screen.findByRole("textbox", { name: /Display Name/ }), { target: { value: "SOAR" } });
  expect(screen.getByText("It cannot be sent yet. Enter the URL that alerts are posted to.")).toBeTruthy();
  fireEvent.change(screen.getByRole("textbox", { name: /Custom Webhook URL/ }), {
    target: { value: "https://soar.example.com/1" },
  });
  await act(async () => {
    screen.getByRole("button", { name: "Add Destination" }).click();
    screen.getByRole("button", { name: "Add Destination" }).click();
  });
  await screen.findByText("whsec_abc");
  expect(post).toHaveBeenCalledTimes(1);
  return router;
}

test("who has not kept the secret is asked before it is gone", async () => {
  const router = await added();
  await act(async () => void router.navigate({ to: "/" }));
  const dialog = await screen.findByRole("dialog", { name: "Leave without the signing secret?" });
  fireEvent.click([...dialog.querySelectorAll("button")].find((b) => b.textContent === "Stay") ?? dialog);
  expect(screen.getByText("whsec_abc")).toBeTruthy();
  fireEvent.click(screen.getByRole("checkbox", { name: "I have kept it" }));
  await act(() => router.navigate({ to: "/" }));
  expect(router.state.location.pathname).toBe("/");
});

test("going back does not lead to an empty form", async () => {
  const router = await added();
  fireEvent.click(screen.getByRole("checkbox", { name: "I have kept it" }));
  await act(() => router.navigate({ to: "/destinations/$destinationId", params: { destinationId: id } }));
  await act(async () => router.history.back());
  await waitFor(() => expect(router.state.location.pathname).toBe(`/destinations/${id}`));
  expect(screen.queryByRole("textbox", { name: /Display Name/ })).toBeNull();
});
