import { expect, test } from "./belfry";
import { answers } from "./receiver";

test("many that failed are counted, re-sent at a pace, and done", async ({ page, api, receiver, unique }) => {
  const hook = receiver.hook(answers.broken);
  const d = await api.destination(unique("On-call pager"), hook);
  const deliveries = await Promise.all(Array.from({ length: 4 }, () => api.failed(d)));
  hook.answers(answers.ok);

  await page.goto(`/deliveries?destination=${d.id}&status=failed`);
  await page.getByRole("checkbox", { name: "Select the 4 shown" }).check();
  await page.getByRole("button", { name: "Re-send…" }).click();
  const dialog = page.getByRole("dialog", { name: "Re-send many deliveries?" });
  await expect(dialog).toContainText("4 failed will be re-sent");
  await dialog.getByRole("textbox", { name: "How many a second, at most" }).fill("1");
  await dialog.getByRole("button", { name: "Re-send 4" }).click();

  const running = page.getByRole("article", { name: "Bulk re-send, running" });
  await expect(running).toContainText(/[0-3] re-sent, 0 skipped, of 4/);
  await running.getByRole("button", { name: "Pause" }).click();
  const paused = page.getByRole("article", { name: "Bulk re-send, paused" });
  await expect(paused).toBeVisible();
  await paused.getByRole("button", { name: "Go on" }).click();
  const done = page.getByRole("article", { name: "Bulk re-send, done" });
  await expect(done).toContainText("4 re-sent, 0 skipped, of 4 (100 %)");
  await api.settled(
    deliveries.map((f) => f.delivery),
    "delivered",
  );
  await expect(done).toContainText("Of these, 4 were delivered.");
  await done.getByRole("button", { name: "Close this bulk re-send" }).click();
  await expect(done).toBeHidden();
});

test("a bulk re-send says what came of it, and goes on saying so once it is done", async ({
  page,
  api,
  receiver,
  unique,
}) => {
  const [broken, well] = [receiver.hook(answers.broken), receiver.hook(answers.broken)];
  const failing = await api.destination(unique("SOAR"), broken);
  const mended = await api.destination(unique("Ticketing"), well);
  const paused = await api.destination(unique("Archive"), broken);
  const ids = [];
  for (const d of [failing, mended, mended, paused]) {
    ids.push((await api.failed(d)).delivery);
  }
  well.answers(answers.ok);
  await api.call("POST", `/destinations/${paused.id}/pause`);
  const bulk = await api.call<{ id: string }>("POST", "/bulk-resends", { deliveryIds: ids });
  await page.goto(`/deliveries?bulk=${bulk.id}`);
  const done = page.getByRole("article", { name: "Bulk re-send, done" });
  await expect(done).toContainText("Of these, 2 were delivered, 1 failed and 1 is still open.");

  broken.answers(answers.ok);
  await api.call("POST", `/destinations/${paused.id}/resume`);
  await expect(done).toContainText("Of these, 3 were delivered and 1 failed.");
});

test("an unrouted alert says why, and can be sent by hand", async ({ page, api, receiver, unique }) => {
  const d = await api.destination(unique("SOAR"), receiver.hook());
  const { alertId } = await api.alert([], { title: "Nobody wants this" });
  await page.goto(`/alerts/${alertId}`);
  const status = page.getByRole("region", { name: "Delivery Status" });
  await expect(status).toContainText("This alert is unrouted");
  await status.getByRole("button", { name: /^Other destinations/ }).click();
  await status.getByRole("checkbox", { name: d.displayName, exact: true }).check();
  await status.getByRole("button", { name: "Send", exact: true }).click();
  await expect(status.getByRole("status").first()).toHaveText("1 delivered");
});

test("sending again what was delivered asks first", async ({ page, api, receiver, unique }) => {
  const hook = receiver.hook();
  const d = await api.destination(unique("SOAR"), hook);
  const { alertId, deliveries } = await api.alert([d]);
  await api.settled(deliveries, "delivered");
  await page.goto(`/alerts/${alertId}`);
  await page.getByRole("button", { name: "Send again" }).click();
  const dialog = page.getByRole("dialog", { name: `Send again to ${d.displayName}?` });
  await expect(dialog).toContainText("a second time");
  expect(hook.received).toHaveLength(1);
  await dialog.getByRole("button", { name: "Send again" }).click();
  await expect(page.getByRole("region", { name: "Delivery Status" })).toContainText("run 2");
  await expect.poll(() => hook.received.length).toBe(2);
});
