import { screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { client } from "../../../api/client";
import { unreachable } from "../../../api/problem";
import type { Destination } from "../../../api/types";
import { openPage } from "../../../openPage";
import { sampleDestination, sampleType } from "../sample";

// One answer for every call; the spy has the types of all of them.
const answer = (data: unknown) => ({ data, response: new Response() }) as never;

/** Opens a page of a destination, of which nothing but itself and its type can be read. */
function openOf(destination: Destination, path = "") {
  openPage(`/destinations/${destination.id}${path}`);
  vi.spyOn(client, "GET").mockImplementation((of: string) => {
    switch (of) {
      case "/api/v1/destination-types":
        return answer({ items: [sampleType] });
      case "/api/v1/destinations/{id}":
        return answer(destination);
      default:
        return Promise.reject(unreachable());
    }
  });
}

const lacked = "This server lacks the key that these settings are sealed with.";

test("a destination that only this server cannot open is not called misconfigured", async () => {
  openOf({ ...sampleDestination, settings: null, storedSecrets: [] });
  expect(await screen.findByText(lacked)).toBeTruthy();
  expect(screen.queryByText("Misconfigured")).toBeNull();
  expect(screen.queryByText("This destination cannot be used")).toBeNull();
});

test("nor does its form ask for the settings anew", async () => {
  openOf({ ...sampleDestination, settings: null, storedSecrets: [] }, "/edit");
  expect(await screen.findByText(lacked)).toBeTruthy();
  expect(screen.queryByRole("textbox", { name: /Service URL/ })).toBeNull();
});

test("one whose settings are lost is", async () => {
  openOf({ ...sampleDestination, settings: null, storedSecrets: [], usable: false, unusableReason: "settings" });
  expect(await screen.findByText("Misconfigured")).toBeTruthy();
  expect(screen.getByText("This destination cannot be used")).toBeTruthy();
  expect(screen.queryByText(lacked)).toBeNull();
});
