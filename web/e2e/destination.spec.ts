import { expect, test } from "./belfry";
import { answers } from "./receiver";

test("a URL on a new host wants the header values again", async ({ page, api, receiver, unique }) => {
  const hook = receiver.hook();
  const d = await api.destination(unique("SOAR"), hook, {
    settings: { url: hook.url, headers: [{ name: "X-API-Key", value: "first-value" }] },
  });
  await page.goto(`/destinations/${d.id}/edit`);
  await expect(page.getByText("A value is stored")).toBeVisible();
  await page.getByRole("button", { name: "Replace Custom Webhook URL" }).click();
  await page.getByRole("textbox", { name: "Custom Webhook URL" }).fill(hook.url.replace("127.0.0.1", "localhost"));
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByRole("alert").filter({ hasText: /Enter every header value again/ })).toBeVisible();

  await page.getByRole("button", { name: "Replace the value of X-API-Key" }).click();
  await page.getByRole("textbox", { name: "New value of X-API-Key" }).fill("second-value");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByRole("heading", { name: d.displayName, level: 1, exact: true })).toBeVisible();
  await expect(page.getByRole("region", { name: "Configuration" })).toContainText("http://localhost:");

  await api.settled((await api.alert([d])).deliveries, "delivered");
  expect(hook.received[0]?.headers).toMatchObject({ "x-api-key": "second-value" });
  expect(hook.received[0]?.headers.host).toMatch(/^localhost:/);
});

test("an edit is tested before it is saved, with the secrets that it leaves as they are", async ({
  page,
  api,
  receiver,
  unique,
}) => {
  const [before, after] = [receiver.hook(), receiver.hook()];
  const d = await api.destination(unique("SOAR"), before, {
    settings: { url: before.url, headers: [{ name: "X-API-Key", value: "first-value" }] },
  });
  await page.goto(`/destinations/${d.id}/edit`);
  const send = page.getByRole("button", { name: "Send Test Alert" });
  const result = page.getByRole("region", { name: "What came of the test" });
  await page.getByRole("button", { name: "Replace Custom Webhook URL" }).click();
  const url = page.getByRole("textbox", { name: "Custom Webhook URL" });
  await url.fill(after.url.replace("127.0.0.1", "localhost"));
  await expect(send).toHaveAccessibleDescription(/stored values are not sent to a new scheme, host or port/);
  await url.fill(after.url);
  await page.getByRole("button", { name: "Add header" }).click();
  await page.getByRole("textbox", { name: "Header name" }).fill("X-Team");
  await page.getByRole("textbox", { name: "Header value" }).fill("blue");
  await send.click();
  await expect(result).toContainText("200 · Acknowledged");
  expect(after.received[0]?.headers).toMatchObject({ "x-api-key": "first-value", "x-team": "blue" });
  expect(before.received).toHaveLength(0);

  await api.settled((await api.alert([d])).deliveries, "delivered"); // nothing was saved
  expect(before.received).toHaveLength(1);
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByRole("heading", { name: d.displayName, level: 1, exact: true })).toBeVisible();
  await api.settled((await api.alert([d])).deliveries, "delivered");
  expect(after.received[1]?.headers).toMatchObject({ "x-api-key": "first-value", "x-team": "blue" });
});

test("who saves what someone else has changed is told, and keeps both", async ({
  page,
  api,
  receiver,
  unique,
  watch,
}) => {
  watch.expect(/status of 412/);
  watch.expect(/net::ERR_FAILED.*\/events/);
  const d = await api.destination(unique("SOAR"), receiver.hook());
  await page.route("**/api/v1/events", (route) => route.abort()); // so that only saving finds out
  await page.goto(`/destinations/${d.id}/edit`);
  const name = page.getByRole("textbox", { name: "Display Name" });
  await name.fill(`${d.displayName} mine`);
  await api.call("PATCH", `/destinations/${d.id}`, { severities: ["LOW"] });
  await page.getByRole("button", { name: "Save changes" }).click();
  const told = page
    .getByRole("alert")
    .filter({ hasText: "Somebody changed this destination while you were editing it" });
  await expect(told).toContainText("You have changed");
  await told.getByRole("button", { name: "Keep my changes, take the rest" }).click();
  await expect(name).toHaveValue(`${d.displayName} mine`);
  await expect(page.getByRole("checkbox", { name: "Low", exact: true })).toBeChecked();
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByRole("heading", { name: `${d.displayName} mine`, level: 1, exact: true })).toBeVisible();
  expect(await api.call("GET", `/destinations/${d.id}`)).toMatchObject({
    displayName: `${d.displayName} mine`,
    severities: ["LOW"],
  });
});

test("a rotated secret is shown once, and the previous one signs as well", async ({ page, api, receiver, unique }) => {
  const hook = receiver.hook();
  const d = await api.destination(unique("SOAR"), hook);
  await page.goto(`/destinations/${d.id}`);
  await page.getByRole("button", { name: "Rotate…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Rotate", exact: true }).click();
  await expect(dialog.getByText(/^whsec_/)).toBeVisible();
  await page.keyboard.press("Escape"); // it would be lost
  await expect(dialog.getByText(/^whsec_/)).toBeVisible();
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(page.getByText("the previous one signs as well")).toBeVisible();
  await expect(page.getByText(/whsec_/)).toHaveCount(0);
  await api.settled((await api.alert([d])).deliveries, "delivered");
  expect(String(hook.received[0]?.headers["webhook-signature"]).split(" ")).toHaveLength(2);
});

test("pausing holds and counts; resuming sends, or discards", async ({ page, api, receiver, unique }) => {
  const hook = receiver.hook();
  const d = await api.destination(unique("Ticketing"), hook);
  await page.goto(`/destinations/${d.id}`);
  const banner = page.getByRole("region", { name: "This destination is paused" });
  const held = page.getByRole("region", { name: "Held deliveries" });
  const dialog = page.getByRole("dialog");

  await page.getByRole("button", { name: "Pause" }).click();
  await dialog.getByRole("button", { name: "Pause" }).click();
  await expect(banner).toBeVisible();
  const first = [...(await api.alert([d])).deliveries, ...(await api.alert([d])).deliveries];
  await expect(banner).toContainText("2 are held");
  await expect(held.getByRole("link")).toHaveText("2");
  expect(hook.received).toHaveLength(0);

  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await expect(dialog).toContainText("2 deliveries wait for it");
  await dialog.getByRole("button", { name: "Resume", exact: true }).click();
  await expect(banner).toBeHidden();
  await api.settled(first, "delivered");
  await expect(held).toContainText("Nothing is held.");

  await page.getByRole("button", { name: "Pause" }).click();
  await dialog.getByRole("button", { name: "Pause" }).click();
  await expect(banner).toBeVisible(); // clicked is not yet paused
  const second = [...(await api.alert([d])).deliveries, ...(await api.alert([d])).deliveries];
  await expect(banner).toContainText("2 are held");
  await held.getByRole("button", { name: "Discard…" }).click();
  await dialog.getByRole("button", { name: "Resume and discard 2" }).click();
  await expect(banner).toBeHidden();
  await api.settled(second, "cancelled");
  expect(hook.received).toHaveLength(2);
});

test("deleting says what it cancels", async ({ page, api, receiver, unique }) => {
  const d = await api.destination(unique("Archive"), receiver.hook());
  await api.call("POST", `/destinations/${d.id}/pause`);
  const open = [...(await api.alert([d])).deliveries, ...(await api.alert([d])).deliveries];
  await page.goto("/destinations");
  await page.getByRole("button", { name: `What to do with ${d.displayName}`, exact: true }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog", { name: `Delete ${d.displayName}?` });
  await expect(dialog).toContainText("2 open deliveries are cancelled");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("link", { name: d.displayName, exact: true })).toHaveCount(0);
  await api.settled(open, "cancelled");
  expect(await api.delivery(open[0] ?? "")).toMatchObject({ reason: "destination_deleted" });
});

test("a test shows whatever the receiver does", async ({ page, api, receiver, unique }) => {
  const hook = receiver.hook();
  const d = await api.destination(unique("SOAR"), hook);
  await page.goto(`/destinations/${d.id}`);
  await page.getByRole("button", { name: "Send Test Alert" }).click();
  const dialog = page.getByRole("dialog");
  const result = dialog.getByRole("region", { name: "What came of the test" });
  const send = async () => {
    await dialog.getByRole("button", { name: "Send Test Alert" }).click();
    await expect(dialog.getByRole("status", { name: "Loading" })).toBeHidden();
  };
  for (const [answer, says] of [
    [answers.broken, "500 · Rejected"],
    [answers.away, "503 · Rejected"],
    [answers.busy, "429 · Rejected"],
    [answers.moved, "302 · Redirected"],
    [answers.hanging, "Timeout"],
    [answers.big, "Showing the first 64"],
    [answers.binary, "Not UTF-8"],
    [answers.script, "<script>document.title"],
    [answers.ok, "200 · Acknowledged"],
  ] as const) {
    hook.answers(answer);
    await send();
    await expect(result).toContainText(says);
  }
  await expect(page).toHaveTitle(`${d.displayName} · Belfry`);
});
