import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { client } from "../../../api/client";
import { unreachable } from "../../../api/problem";
import type { DestinationTypeInfo } from "../../../api/types";
import { openPage } from "../../../openPage";
import { sampleField, sampleType } from "../sample";

const id = "01934f3c-2d6e-7a40-8a1c-55d0e1a7b001";

// One answer for every call; the spies have the types of all of them.
const answer = (data: unknown) => ({ data, response: new Response() }) as never;

/** The types that the server says it has. Nothing else can be read. */
function withTypes(...items: DestinationTypeInfo[]) {
  vi.spyOn(client, "GET").mockImplementation((path: string) =>
    path === "/api/v1/destination-types" ? answer({ items }) : Promise.reject(unreachable()),
  );
}

async function added() {
  const post = vi
    .spyOn(client, "POST")
    .mockResolvedValue(answer({ id, displayName: "SOAR", formerNames: [], signingSecret: "whsec_abc" }));
  const router = openPage("/destinations");
  withTypes(sampleType);
  await screen.findByRole("heading", { name: "Alert Destinations", level: 1 });
  await act(() => router.navigate({ to: "/destinations/new", search: {} }));
  fireEvent.change(await screen.findByRole("textbox", { name: /Display Name/ }), { target: { value: "SOAR" } });
  expect(screen.getByText("It cannot be sent yet. Enter Service URL.")).toBeTruthy();
  fireEvent.change(screen.getByRole("textbox", { name: /Service URL/ }), {
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

const other: DestinationTypeInfo = {
  type: "other",
  name: "Other Service",
  description: "Takes alerts differently.",
  fields: [
    sampleField("room", { label: "Room", required: true }),
    sampleField("token", { label: "Token", kind: "secret", required: true, secret: true }),
    sampleField("look", { label: "Look", kind: "color" as "text" }), // a kind of a newer server
  ],
};

test("with several types the form begins with the choice, and asks for what the type asks for", async () => {
  const post = vi.spyOn(client, "POST").mockResolvedValue(answer({ id, displayName: "Chat", formerNames: [] }));
  openPage("/destinations/new");
  withTypes(other, sampleType);
  expect((await screen.findByRole("link", { name: /Sample Service/ })).textContent).toContain(
    "Takes alerts, in tests.",
  );
  expect(screen.queryByRole("textbox", { name: /Display Name/ })).toBeNull();
  await act(async () => screen.getByRole("link", { name: /Other Service/ }).click());

  const enter = (name: RegExp, value: string) => fireEvent.change(screen.getByLabelText(name), { target: { value } });
  await screen.findByRole("textbox", { name: /Display Name/ });
  expect(screen.queryByRole("textbox", { name: /Service URL/ })).toBeNull();
  enter(/Display Name/, "Chat");
  enter(/^Room/, "alerts");
  enter(/^Token/, "a-secret");
  enter(/^Look/, "red");
  expect(screen.getByLabelText(/^Token/).getAttribute("type")).toBe("password");
  await act(async () => screen.getByRole("button", { name: "Add Destination" }).click());
  expect(post).toHaveBeenCalledWith("/api/v1/destinations", {
    body: expect.objectContaining({ type: "other", settings: { room: "alerts", token: "a-secret", look: "red" } }),
  });
});

test("a type that the server does not have leads to the choice", async () => {
  openPage("/destinations/new?type=telegram");
  withTypes(other, sampleType);
  expect(await screen.findByRole("link", { name: /Sample Service/ })).toBeTruthy();
  expect(screen.queryByRole("textbox", { name: /Display Name/ })).toBeNull();
});

test("what the server says of a field stands at the field", async () => {
  const problem = {
    type: "about:blank",
    title: "Unprocessable",
    status: 422,
    code: "invalid",
    detail: "Some fields are wrong.",
    requestId: "4f6f1c0e9b3a4d52",
    errors: [
      { field: "settings.headers", code: "required", message: "give every header value again" },
      { field: "settings.url", code: "format", message: "must have a host" },
    ],
  };
  // An answer that is no 2xx, as the client gives it.
  vi.spyOn(client, "POST").mockResolvedValue({
    error: problem,
    response: new Response(null, { status: 422 }),
  } as never);
  openPage("/destinations/new");
  withTypes(sampleType);
  fireEvent.change(await screen.findByRole("textbox", { name: /Display Name/ }), { target: { value: "SOAR" } });
  fireEvent.change(screen.getByRole("textbox", { name: /Service URL/ }), {
    target: { value: "https://soar.example.com/1" },
  });
  await act(async () => screen.getByRole("button", { name: "Add Destination" }).click());
  const url = screen.getByRole("textbox", { name: /Service URL/ });
  await waitFor(() => expect(url.getAttribute("aria-invalid")).toBe("true"));
  expect(screen.getByText("Must have a host.")).toBeTruthy();
  const headers = screen.getByRole("group", { name: "Headers" });
  expect(headers.textContent).toContain("Give every header value again.");
  expect(screen.queryByText("It could not be saved")).toBeNull();
});
