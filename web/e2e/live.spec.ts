import type { Page } from "@playwright/test";
import { expect, mark, test } from "./belfry";
import { answers } from "./receiver";

const titles = (page: Page) => page.getByRole("table", { name: "alerts" }).locator("[data-row] a");

test("what is new waits to be asked for: no row moves", async ({ page, api, receiver, unique }) => {
  const d = await api.destination(unique("SOAR"), receiver.hook());
  const tag = unique("Pill");
  for (let n = 1; n <= 3; n++) {
    await api.alert([d], { title: `${tag} old ${n}` });
  }
  await page.goto(`/alerts?destination=${d.id}`);
  await expect(titles(page)).toHaveText([`${tag} old 3`, `${tag} old 2`, `${tag} old 1`]);
  const before = await titles(page).first().boundingBox();
  await Promise.all(Array.from({ length: 12 }, (_, n) => api.alert([d], { title: `${tag} new ${n}` })));
  const pill = page.getByRole("button", { name: "12 new" });
  await expect(pill).toBeVisible();
  await expect(titles(page)).toHaveText([`${tag} old 3`, `${tag} old 2`, `${tag} old 1`]);
  expect(await titles(page).first().boundingBox()).toEqual(before);
  await pill.click();
  await expect(titles(page)).toHaveCount(15);
  await expect(pill).toBeHidden();
});

test("without the stream of events it asks every few seconds", async ({ page, api, receiver, unique, watch }) => {
  watch.expect(/status of 503.*\/events/);
  const hook = receiver.hook(answers.broken);
  const d = await api.destination(unique("SOAR"), hook);
  const { alertId } = await api.failed(d);
  hook.answers(answers.ok);
  await page.route("**/api/v1/events", (route) => route.fulfill({ status: 503, body: "no stream here" }));
  await page.goto(`/alerts/${alertId}`);
  await expect(page.getByText("Every 5 s").filter({ visible: true })).toBeVisible();
  const stayed = await mark(page);
  const { items } = await api.call<{ items: { id: string }[] }>("GET", `/deliveries?destinationId=${d.id}`);
  await api.call("POST", `/deliveries/${items[0]?.id}/resend`, { run: 1 });
  await expect(page.getByRole("region", { name: "Delivery Status" }).getByRole("status").first()).toHaveText(
    "1 delivered",
  );
  expect(await stayed()).toBe(true);
});

test.describe("a server of its own", () => {
  test.use({ own: {} });

  test("a server that stops is said, and the page goes on when it is back", async ({
    page,
    api,
    receiver,
    server,
    watch,
  }) => {
    watch.expect(/net::ERR_/);
    const d = await api.destination("SOAR", receiver.hook());
    const first = await api.alert([d], { title: "Seen before" });
    await api.alert([d], { title: "Seen after" });
    await page.goto(`/alerts/${first.alertId}`);
    await expect(page.getByRole("heading", { name: "Seen before" })).toBeVisible();
    await page.getByRole("link", { name: "Alerts", exact: true }).first().click();
    const link = page.getByRole("link", { name: "Seen after" });
    await expect(link).toBeVisible();
    await expect(page.getByText("Live", { exact: true }).filter({ visible: true })).toBeVisible();
    const stayed = await mark(page);

    await server.stop();
    await expect(page.getByText("Live", { exact: true }).filter({ visible: true })).toBeHidden();
    await link.click();
    const failed = page.getByRole("alert").filter({ hasText: "The alert could not be loaded" });
    await expect(failed).toContainText("Belfry cannot be reached.");
    await failed.getByRole("button", { name: "Try again" }).click();
    await expect(failed).toBeVisible();

    await server.start();
    await expect(page.getByRole("heading", { name: "Seen after" })).toBeVisible({ timeout: 30_000 });
    await expect(failed).toBeHidden();
    await expect(page.getByText("Live", { exact: true }).filter({ visible: true })).toBeVisible({ timeout: 40_000 });
    expect(await stayed()).toBe(true);
  });
});
