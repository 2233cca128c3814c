import type { Page } from "@playwright/test";
import { expect, test } from "./belfry";
import { answers } from "./receiver";

/** The calls that a page makes to change something. */
function orders(page: Page): string[] {
  const made: string[] = [];
  page.on("request", (r) => r.method() === "POST" && made.push(new URL(r.url()).pathname));
  return made;
}

test("a double click orders once, and a rate is what was typed", async ({ page, api, receiver, unique }) => {
  const made = orders(page);
  const name = unique("SOAR");
  await page.goto("/destinations/new");
  await page.getByRole("textbox", { name: "Display Name" }).fill(name);
  await page.getByRole("textbox", { name: "Custom Webhook URL" }).fill(receiver.hook().url);
  await page.locator("summary", { hasText: "Limits" }).click();
  await page.getByRole("textbox", { name: "Rate per second" }).pressSequentially("0.5");
  await page.getByRole("button", { name: "Add Destination" }).dblclick();
  await expect(page.getByText(/^whsec_/)).toBeVisible();
  expect(made).toEqual(["/api/v1/destinations"]);
  const { items } = await api.call<{ items: { displayName: string; limits: { ratePerSecond: number } }[] }>(
    "GET",
    "/destinations?limit=200",
  );
  expect(items.filter((d) => d.displayName === name).map((d) => d.limits.ratePerSecond)).toEqual([0.5]);

  await page.getByRole("checkbox", { name: "I have kept it" }).check();
  await page.getByRole("link", { name: "Finish Setup" }).click();
  await expect(page.getByRole("heading", { name, level: 1, exact: true })).toBeVisible();
  await page.goBack(); // not to a form that is empty
  await expect(page.getByRole("heading", { name, level: 1, exact: true })).toBeVisible();

  await page.goto("/settings");
  await page.getByRole("button", { name: "Create token" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Name" }).fill(unique("engine"));
  await dialog.getByRole("checkbox", { name: "ingest" }).check();
  made.length = 0;
  await dialog.getByRole("button", { name: "Create token" }).dblclick();
  await expect(page.getByText("Copy it now")).toBeVisible();
  expect(made).toEqual(["/api/v1/tokens"]);
});

test("what could not be re-sent is put back, and says so where it can be read", async ({
  page,
  api,
  receiver,
  unique,
  watch,
}) => {
  watch.expect(/net::ERR_/);
  const d = await api.destination(unique("SOAR"), receiver.hook(answers.broken));
  const { alertId } = await api.failed(d);
  await page.route("**/resend", (route) => route.abort("connectionrefused"));
  for (const path of [`/alerts/${alertId}`, `/deliveries?destination=${d.id}`]) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(path);
    await page.getByRole("button", { name: "Re-send", exact: true }).click();
    const told = page.getByRole("alert").filter({ hasText: "“Re-send” did not work" });
    await expect(told).toContainText("Belfry cannot be reached.");
    await expect(page.getByText("Queued").filter({ visible: true }).and(page.locator("[data-row] *"))).toHaveCount(0);
    await expect(page.getByRole("button", { name: "Re-send", exact: true })).not.toHaveAttribute("aria-disabled");
    const width = async () => (await told.boundingBox())?.width ?? 0;
    expect(await width()).toBeGreaterThan(400);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await width()).toBeGreaterThan(280);
  }
});

test("what is held goes out past the hold, in the same run, once it was asked", async ({
  page,
  api,
  receiver,
  unique,
}) => {
  const hook = receiver.hook();
  const d = await api.destination(unique("SOAR"), hook);
  await api.call("POST", `/destinations/${d.id}/pause`);
  const { alertId, deliveries } = await api.alert([d]);
  await api.settled(deliveries, "held");
  await page.goto(`/deliveries?destination=${d.id}&status=held`);
  await expect(page.getByRole("button", { name: "Send now" })).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("r");
  const dialog = page.getByRole("dialog", { name: `Send now to ${d.displayName}?` });
  await expect(dialog).toContainText("Its destination is paused. This delivery is sent all the same.");
  expect(hook.received).toHaveLength(0);
  await dialog.getByRole("button", { name: "Send now" }).click();
  await api.settled(deliveries, "delivered");
  expect(await api.delivery(deliveries[0] ?? "")).toMatchObject({ run: 1, attempts: 1 });
  await page.goto(`/alerts/${alertId}`);
  await expect(page.getByRole("button", { name: "Send again" })).toBeVisible();
});

test.describe("nobody is signed in", () => {
  test.use({ as: null });

  test("a token that is revoked ends the page by itself", async ({ page, api, watch, unique }) => {
    watch.expect(/status of 401/);
    const { id, token } = await api.newToken(unique("analyst"), ["read"]);
    await page.request.post("/api/v1/session", { data: { token } });
    await page.goto("/settings?tab=session");
    await expect(page.getByText("Live", { exact: true }).filter({ visible: true })).toBeVisible();
    await api.call("DELETE", `/tokens/${id}`);
    await expect(page.getByRole("dialog", { name: "Your session has ended" })).toBeVisible();
  });
});

test("what cannot be copied says so beside the button", async ({ page, api, receiver, unique }) => {
  await page.addInitScript(() => {
    Object.defineProperty(navigator, "clipboard", { value: undefined }); // as on plain http
  });
  const d = await api.destination(unique("SOAR"), receiver.hook());
  await page.goto(`/destinations/${d.id}`);
  const copy = page.getByRole("button", { name: "Copy destination ID" });
  const copied = () => page.evaluate(() => document.documentElement.getAttribute("data-copied"));
  await page.evaluate(() =>
    document.addEventListener("copy", () =>
      document.documentElement.setAttribute("data-copied", String(document.getSelection())),
    ),
  );
  await copy.click();
  await expect.poll(copied).not.toBeNull();
  await page.evaluate(() => {
    document.execCommand = () => false;
  });
  await copy.click();
  await expect(page.getByRole("tooltip")).toContainText("Not copied");
});

test.describe("a server of its own", () => {
  test.use({ own: {} });

  test("a page whose code is away says so, and comes when the server is back", async ({
    page,
    api,
    receiver,
    server,
    watch,
  }) => {
    watch.expect(/net::ERR_/);
    watch.expect(/CodeMissing/);
    await api.destination("SOAR", receiver.hook());
    await page.goto("/");
    await expect(page.getByText("Live", { exact: true }).filter({ visible: true })).toBeVisible();
    await server.stop();
    await expect(page.getByText("Offline").filter({ visible: true })).toBeVisible();
    await page.getByRole("link", { name: "Deliveries" }).first().click();
    const told = page.getByRole("alert").filter({ hasText: "This page could not be fetched" });
    await expect(told).toContainText("Belfry cannot be reached.");
    await told.getByRole("button", { name: "Try again" }).click();
    await expect(told).toBeVisible();
    await server.start();
    await expect(page.getByRole("heading", { name: "Deliveries", level: 1 })).toBeVisible({ timeout: 30_000 });
  });
});
