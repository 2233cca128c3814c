import { expect, mark, test } from "./belfry";
import { type Answer, answers } from "./receiver";

// The whole journey of the first document: one try and ten retries, as a new server is set up by hand.
test.use({ as: null, own: { BELFRY_RETRY_WAITS: Array(10).fill("30ms").join(" ") } });

test("from the printed link to an alert that failed, was re-sent and is delivered", async ({
  page,
  server,
  api,
  receiver,
}) => {
  const hook = receiver.hook();

  await test.step("sign in with the printed link", async () => {
    await page.goto(server.link);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { name: "First steps" })).toBeVisible();
  });

  await test.step("create a destination, with a test before saving", async () => {
    await page.getByRole("link", { name: "Create a destination" }).click();
    await expect(page.getByText("Type Custom Webhook")).toBeVisible(); // the only one, so it is chosen
    await page.getByRole("textbox", { name: "Display Name" }).fill("SOAR");
    await page.getByRole("textbox", { name: "Custom Webhook URL" }).fill(hook.url);
    await page.getByRole("button", { name: "Add header" }).click();
    await page.getByRole("textbox", { name: "Header name" }).fill("X-API-Key");
    await page.getByRole("textbox", { name: "Header value" }).fill("a-secret-value");
    await page.getByRole("button", { name: "Send Test Alert" }).click();
    const result = page.getByRole("region", { name: "What came of the test" });
    await expect(result).toContainText("200 · Acknowledged");
    await expect(result.getByRole("region", { name: "response body" })).toHaveText("success");
    expect(hook.received).toHaveLength(1);
    expect(hook.received[0]?.headers).toMatchObject({ "belfry-test": "true", "x-api-key": "a-secret-value" });
    await result.getByRole("tab", { name: "Request" }).click();
    await expect(result.getByText("****")).toBeVisible();
    await expect(page.getByText("a-secret-value")).toHaveCount(0);

    await page.getByRole("button", { name: "Add Destination" }).click();
    await expect(page.getByRole("heading", { name: "SOAR is added" })).toBeVisible();
    await expect(page.getByText(/^whsec_/)).toBeVisible();
    await page.getByRole("link", { name: "Finish Setup" }).click();
    const ask = page.getByRole("dialog", { name: "Leave without the signing secret?" });
    await ask.getByRole("button", { name: "Stay" }).click();
    await page.getByRole("checkbox", { name: "I have kept it" }).check();
    await page.getByRole("link", { name: "Finish Setup" }).click();
    await expect(page.getByRole("heading", { name: "SOAR", level: 1, exact: true })).toBeVisible();
  });

  let tries = 0;
  const failing = (): Answer[] =>
    Array.from({ length: 11 }, () => ({ status: 500 + (tries % 3), body: `{"error":"no room","try":${++tries}}` }));
  hook.answers(...failing());
  hook.received.length = 0;

  let stayed = async () => false;
  await test.step("an alert posted over REST arrives live, and fails for good", async () => {
    await page.getByRole("link", { name: "Alerts", exact: true }).click();
    await expect(page.getByText("No alerts yet")).toBeVisible();
    stayed = await mark(page);
    await api.call("POST", "/alerts", {
      id: "AWS.Console.RootLogin",
      severity: "CRITICAL",
      type: "RULE",
      title: "AWS root login",
      alertId: "root-login-1",
    });
    const row = page.getByRole("row", { name: /AWS root login/ });
    await expect(row).toBeVisible();
    await expect(row).toContainText("Failed");
    await expect(row).toContainText("SOAR");
    await row.getByRole("link", { name: "AWS root login" }).click();
  });

  const status = page.getByRole("region", { name: "Delivery Status" });
  await test.step("Delivery Status shows what each attempt got", async () => {
    await expect(status.getByRole("status").first()).toHaveText("1 failed");
    await expect(status).toContainText("11 / 11");
    await status.getByRole("button", { name: "Attempts to SOAR" }).click();
    const attempts = status.getByRole("list", { name: "Attempts, newest first" }).getByRole("button");
    await expect(attempts).toHaveCount(11);
    for (let n = 1; n <= 11; n++) {
      await attempts.nth(11 - n).click();
      const attempt = status.getByRole("region", { name: `Attempt ${n}`, exact: true });
      await expect(attempt.getByRole("heading")).toHaveText(`Attempt #${n}`);
      await expect(attempt).toContainText(`${500 + ((n - 1) % 3)} · Rejected`);
      await attempt.getByText("Raw", { exact: true }).click();
      await expect(attempt.getByRole("region", { name: "response body" })).toHaveText(`{"error":"no room","try":${n}}`);
    }
  });

  await test.step("re-sent, it is delivered under our eyes", async () => {
    let open = () => {};
    const until = new Promise<void>((resolve) => {
      open = resolve;
    });
    hook.answers({ ...answers.ok, until });
    await status.getByRole("button", { name: "Re-send" }).click();
    await expect(status.getByRole("status").first()).toHaveText("1 queued");
    await expect.poll(() => hook.received.length).toBe(12);
    open();
    await expect(status.getByRole("status").first()).toHaveText("1 delivered");
    await expect(status).toContainText("run 2");
    const attempts = status.getByRole("list", { name: "Attempts, newest first" }).getByRole("button");
    await expect(attempts).toHaveCount(12);
    await attempts.first().click();
    await expect(status.getByRole("region", { name: "Attempt 12" })).toContainText("200 · Acknowledged");
    await expect(status.getByRole("button", { name: "Send again" })).toBeVisible();
    expect(await stayed()).toBe(true);
    expect(new Set(hook.received.map((r) => r.headers["webhook-id"])).size).toBe(1);
  });
});
