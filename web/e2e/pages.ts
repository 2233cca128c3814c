import { expect, type Locator, type Page } from "@playwright/test";
import type { Api } from "./api";
import { answers, type Receiver } from "./receiver";

/** A page, and what shows that its data is there. */
export type Place = { name: string; path: string; ready: (page: Page) => Locator };

/** Something of everything on every page: delivered, failed and held deliveries, and a bulk re-send. */
export async function places(api: Api, receiver: Receiver, unique: (word: string) => string): Promise<Place[]> {
  const hook = receiver.hook(answers.broken);
  const well = await api.destination(unique("Archive"), receiver.hook());
  const broken = await api.destination(unique("SOAR"), hook, {
    settings: { url: hook.url, headers: [{ name: "X-API-Key", value: "a-secret-value" }] },
  });
  const paused = await api.destination(unique("Ticketing"), receiver.hook());
  await api.call("POST", `/destinations/${paused.id}/pause`);
  const { alertId, deliveries } = await api.alert([broken, well, paused], {
    title:
      "A title that is rather long, to see whether it is cut, wraps or pushes the page wide: AWS.Console.RootLogin",
    description: "Someone signed in as root.",
    logTypes: ["AWS.CloudTrail"],
    alertContext: { sourceIPAddress: "198.51.100.7", eventName: "ConsoleLogin", a: "long-".repeat(60) },
  });
  for (const id of deliveries) {
    const of = (await api.delivery(id)).destination.id;
    await api.settled([id], of === broken.id ? "failed" : of === well.id ? "delivered" : "held");
  }
  const failed = (await Promise.all(deliveries.map((id) => api.delivery(id)))).find((d) => d.status === "failed");
  const bulk = await api.call<{ id: string }>("POST", "/bulk-resends", { deliveryIds: [failed?.id] });
  await api.settled([failed?.id ?? ""], "failed");

  const title = (name: string | RegExp) => (page: Page) => page.getByRole("heading", { name, level: 1 });
  return [
    { name: "overview", path: "/", ready: (page) => page.getByRole("region", { name: "Waiting" }).getByRole("list") },
    { name: "alerts", path: "/alerts", ready: (page) => page.getByRole("table", { name: "alerts" }) },
    {
      name: "alert",
      path: `/alerts/${alertId}?delivery=${failed?.id}`,
      ready: (page) => page.getByRole("region", { name: "response body" }),
    },
    { name: "no alert", path: "/alerts/none", ready: title("No such alert") },
    {
      name: "deliveries",
      path: `/deliveries?bulk=${bulk.id}`,
      ready: (page) => page.getByRole("table", { name: "deliveries" }),
    },
    { name: "bulk re-sends", path: "/deliveries/bulk-resends", ready: (page) => page.getByRole("article").first() },
    {
      name: "destinations",
      path: "/destinations",
      ready: (page) => page.getByRole("table", { name: "destinations" }),
    },
    {
      name: "add a destination",
      path: "/destinations/new",
      ready: (page) => page.getByRole("region", { name: "example request body" }),
    },
    {
      name: "destination",
      path: `/destinations/${broken.id}`,
      ready: (page) => page.getByRole("heading", { name: "Duration by hour" }).or(page.getByText("Duration by hour")),
    },
    {
      name: "edit a destination",
      path: `/destinations/${broken.id}/edit`,
      ready: (page) => page.getByRole("button", { name: "Save changes" }),
    },
    { name: "tokens", path: "/settings", ready: (page) => page.getByRole("table").or(page.getByText("No tokens yet")) },
    { name: "server", path: "/settings?tab=server", ready: (page) => page.getByText(/^Version/).first() },
    {
      name: "audit log",
      path: "/settings?tab=audit",
      ready: (page) => page.getByRole("table", { name: "changes" }),
    },
    { name: "session", path: "/settings?tab=session", ready: (page) => page.getByText("Signed in as") },
  ];
}

/** Goes to a page, and waits until all that it loads is there. */
export async function visit(page: Page, { path, ready }: Place): Promise<void> {
  await page.goto(path);
  await expect(ready(page).first()).toBeVisible();
  await expect(page.getByRole("status", { name: /^Loading/ })).toHaveCount(0);
}
