import { Api } from "./api";
import { expect, test } from "./belfry";
import { answers } from "./receiver";

test.describe("nobody is signed in", () => {
  test.use({ as: null });

  test("a session that ends says so, and leads back to the same page", async ({ page, api, watch, unique }) => {
    watch.expect(/status of 401/);
    const token = await api.newToken(unique("analyst"), ["read"]);
    await page.goto("/alerts?severity=HIGH");
    await expect(page).toHaveURL(/\/sign-in\?next=/);
    await page.getByLabel("Token").fill(token.token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { name: "Alerts", level: 1 })).toBeVisible();
    await expect(page).toHaveURL(/\/alerts\?severity=HIGH$/);

    await page.getByRole("link", { name: "Deliveries" }).click();
    await expect(page.getByRole("heading", { name: "Deliveries", level: 1 })).toBeVisible();
    await page.getByRole("button", { name: /Failed$/ }).click();
    await expect(page).toHaveURL(/\/deliveries\?status=failed$/);
    await api.call("DELETE", `/tokens/${token.id}`); // nothing is clicked: the end of the stream tells
    const dialog = page.getByRole("dialog", { name: "Your session has ended" });
    await expect(dialog).toBeVisible();
    await page.keyboard.press("Escape"); // there is nothing behind it to go on with
    await dialog.getByRole("link", { name: "Sign in" }).click();
    await page.getByLabel("Token").fill("not-a-token-at-all");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByText("the token is not valid")).toBeVisible();
    await page.getByLabel("Token").fill((await api.newToken(unique("analyst"), ["read"])).token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL(/\/deliveries\?status=failed$/);
    await expect(page.getByRole("button", { name: /Failed$/ })).toHaveAttribute("aria-pressed", "true");
  });
});

test("who signs out is out", async ({ page, unique, api, context, server }) => {
  await page.goto("/");
  const { token } = await api.newToken(unique("leaver"), ["read"]);
  await context.request.post(`${server.url}/api/v1/session`, { data: { token } });
  await page.reload();
  await page.getByRole("button", { name: /^Account: leaver/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/sign-in$/);
  expect((await context.request.get(`${server.url}/api/v1/session`)).status()).toBe(401);
});

test("a session is ended by somebody else, and one's own signs out", async ({ page, api, browser, server, unique }) => {
  const name = unique("visitor");
  const { token } = await api.newToken(name, ["read"]);
  const otherBrowser = await browser.newContext({ baseURL: server.url });
  await otherBrowser.request.post("/api/v1/session", { data: { token } });
  await page.goto("/settings?tab=session");
  const row = page.getByRole("row").filter({ hasText: name });
  await row.getByRole("button", { name: "End…" }).click();
  await page.getByRole("button", { name: "End session" }).click();
  await expect(row).toHaveCount(0);
  expect((await otherBrowser.request.get("/api/v1/session")).status()).toBe(401);
  await otherBrowser.close();

  const own = page.getByRole("row").filter({ hasText: "This session" });
  await own.getByRole("button", { name: "End…" }).click();
  await expect(page.getByText("you will be signed out")).toBeVisible();
  await page.getByRole("button", { name: "End session" }).click();
  await expect(page).toHaveURL(/\/sign-in$/);
  expect((await page.request.get("/api/v1/session")).status()).toBe(401);
});

test("what a token made is revoked with it", async ({ page, api, server, unique }) => {
  const [parent, child] = [unique("parent"), unique("child")];
  const made = await api.newToken(parent, ["admin"]);
  const heir = await new Api(server.url, made.token).newToken(child, ["admin"]);
  await page.goto("/settings");
  const row = (name: string) => page.getByRole("row").filter({ has: page.getByText(name, { exact: true }) });
  await row(parent).first().getByRole("button", { name: "Revoke…" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("listitem")).toHaveText(`${child} admin`);
  await dialog.getByRole("checkbox", { name: "Revoke this one, too" }).check();
  await dialog.getByRole("button", { name: "Revoke", exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.getByText(child, { exact: true })).toHaveCount(0);
  const answer = await page.request.get("/api/v1/session", { headers: { Authorization: `Bearer ${heir.token}` } });
  expect(answer.status()).toBe(401);
});

test.describe("who may only read", () => {
  test.use({ as: "read" });

  test("sees what cannot be done, and why", async ({ page, api, receiver, unique }) => {
    const hook = receiver.hook(answers.broken);
    const d = await api.destination(unique("SOAR"), hook);
    const { alertId, delivery } = await api.failed(d);
    const before = hook.received.length;
    const orders: string[] = [];
    page.on("request", (r) => r.method() !== "GET" && orders.push(`${r.method()} ${r.url()}`));
    const reason = (scope: string) => new RegExp(`it needs the scope “${scope}”`);

    await page.goto(`/alerts/${alertId}`);
    const resend = page.getByRole("button", { name: "Re-send" });
    await expect(resend).toHaveAttribute("aria-disabled", "true");
    await expect(resend).toHaveAttribute("aria-description", reason("operate"));
    await resend.hover();
    await expect(page.getByRole("tooltip")).toHaveText(reason("operate"));
    await resend.click({ force: true });
    await page.keyboard.press("r");

    await page.goto(`/destinations/${d.id}`);
    for (const [name, scope] of [
      ["Send Test Alert", "operate"],
      ["Pause", "operate"],
      ["Edit", "admin"],
      ["Rotate…", "admin"],
    ] as const) {
      const button = page.getByRole("button", { name, exact: true });
      await expect(button).toHaveAttribute("aria-disabled", "true");
      await expect(button).toHaveAttribute("aria-description", reason(scope));
    }
    await page.getByRole("button", { name: `What to do with ${d.displayName}`, exact: true }).click();
    await expect(page.getByRole("menuitem", { name: "Delete…" })).toBeDisabled();

    await page.goto("/destinations");
    await expect(page.getByRole("button", { name: "Add Destination" })).toHaveAttribute("aria-disabled", "true");
    await page.goto("/destinations/new");
    await expect(page.getByText("You cannot add a destination")).toBeVisible();
    await page.goto("/settings");
    await expect(page.getByText("Tokens are for administrators")).toBeVisible();
    expect(await api.delivery(delivery)).toMatchObject({ status: "failed", run: 1 });
    expect(hook.received).toHaveLength(before);
    expect(orders).toEqual([]);
  });
});
