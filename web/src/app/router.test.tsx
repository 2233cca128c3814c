import { act, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { client } from "../api/client";
import { Problem } from "../api/problem";
import { openPage } from "../openPage";
import { page } from "./page";

const some = "01934f3c-2d6e-7a40-8a1c-55d0e1a7b001";

test.each([
  ["/alerts?from=abc", "/alerts", "Alerts"],
  ["/alerts?from=2026-13-45&severity=HIGH&x=1", "/alerts?severity=HIGH", "Alerts"],
  ["/alerts/a-1?delivery=xyz&attempt=1", "/alerts/a-1", "Alert"],
  ["/deliveries?to=zzz", "/deliveries", "Deliveries"],
  ["/deliveries?destination=xyz&bulk=1&code=7000", "/deliveries", "Deliveries"],
  [`/deliveries?destination=${some}&status=lost`, `/deliveries?destination=${some}`, "Deliveries"],
  ["/destinations?sort=colour&health=lying", "/destinations", "Alert Destinations"],
  ["/destinations/new?created=xyz&x=1", "/destinations/new", "Add Destination"],
  ["/settings?tab=audit&from=zzz&subject=user", "/settings?tab=audit", "Settings"],
  ["/?x=1", "/", "Overview"],
])("of %s what makes no sense is dropped, and the page is shown", async (url, cleaned, title) => {
  const router = openPage(url);
  expect(await screen.findByRole("heading", { name: title, level: 1 }, { timeout: 5_000 })).toBeTruthy();
  expect(router.state.location.href).toBe(cleaned);
  expect(screen.queryByText("This page could not be shown")).toBeNull();
});

test("of an ID that can be none it is said that there is no such destination", async () => {
  openPage("/destinations/not-a-uuid");
  vi.spyOn(client, "GET").mockRejectedValue(new Problem({ status: 400, code: "malformed", detail: "id: not a UUID" }));
  expect(await screen.findByRole("heading", { name: "No such destination", level: 1 })).toBeTruthy();
  expect(screen.queryByRole("link", { name: "its deliveries" })).toBeNull();
});

test("a page that breaks says that it is no fault of the connection, and offers a way out", async () => {
  const router = openPage("/");
  await screen.findByRole("heading", { name: "Overview", level: 1 });
  vi.spyOn(console, "error").mockImplementation(() => {});
  router.routesByPath["/alerts"].options.component = () => {
    throw new TypeError("e.filter is not a function");
  };
  await act(() => router.navigate({ to: "/alerts" }));
  const told = await screen.findByRole("alert");
  expect(told.textContent).toContain("Something went wrong in this page.");
  expect(document.body.textContent).not.toContain("cannot be reached.");
  expect(screen.getByRole("link", { name: "Go to the overview" }).getAttribute("href")).toBe("/");
});

test("a page whose code cannot be fetched waits for Belfry, and is fetched anew when it is back", async () => {
  const router = openPage("/");
  await screen.findByRole("heading", { name: "Overview", level: 1 });
  vi.spyOn(console, "error").mockImplementation(() => {});
  const reload = vi.spyOn(window.location, "reload").mockImplementation(() => {});
  const missing = () => Promise.reject(new TypeError("Failed to fetch dynamically imported module: /assets/x.js"));
  router.routesByPath["/alerts"].options.component = page<{ Page: () => null }, "Page">(missing, "Page");
  await act(() => router.navigate({ to: "/alerts" }));
  const told = await screen.findByText("This page could not be fetched");
  expect(told.closest("[role=alert]")?.textContent).toContain("Belfry cannot be reached.");
  await act(async () => screen.getByRole("button", { name: "Try again" }).click());
  expect(reload).not.toHaveBeenCalled();

  // The one call that is made is for the session; the spy has the type of all of them.
  const answer = { data: { name: "ada", scopes: [] }, response: new Response() } as never;
  vi.spyOn(client, "GET").mockResolvedValue(answer);
  await act(async () => screen.getByRole("button", { name: "Try again" }).click());
  expect(reload).toHaveBeenCalledTimes(1);
});
