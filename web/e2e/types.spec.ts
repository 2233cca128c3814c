import path from "node:path";
import { expect, test } from "./belfry";

// This server has a type that the console has never heard of, internal/testchat.
const binary = process.env.E2E_TESTCHAT_BINARY ?? path.join(import.meta.dirname, "../../bin/belfry-testchat");
test.use({ own: { E2E_BINARY: binary } });

test("a type that describes itself needs no code of the console", async ({ page, api, receiver, watch }) => {
  const chat = receiver.chat({ status: 200, body: '{"ok":true}' });
  const server = page.getByRole("textbox", { name: "Server" });
  const token = page.getByRole("textbox", { name: "Bot token" });
  const footer = page.getByRole("textbox", { name: "Footer" });

  await test.step("choose the type", async () => {
    await page.goto("/destinations/new");
    await expect(page.getByRole("link", { name: /Custom Webhook/ })).toBeVisible();
    await page.getByRole("link", { name: /Test Chat/ }).click();
    const form = page.getByRole("region", { name: "Configure Your Test Chat Destination" });
    await expect(form).toContainText("Posts a line about each alert into a channel");
    await expect(page.getByRole("textbox", { name: "Custom Webhook URL" })).toHaveCount(0);
  });

  await test.step("what is missing is said at its field", async () => {
    await page.getByRole("textbox", { name: "Display Name" }).fill("Night shift");
    await page.getByRole("button", { name: "Add Destination" }).click();
    await expect(server).toHaveAccessibleDescription(/Enter Server/);
    await expect(server).toBeFocused();
    await expect(token).toHaveAccessibleDescription(/Enter Bot token/);
    await expect(footer).toHaveCount(0);
  });

  await test.step("fill in the form, and test", async () => {
    await server.fill(chat.url);
    await token.fill("a-secret-token");
    await expect(token).toHaveAttribute("type", "password");
    await page.getByRole("textbox", { name: "Channel" }).fill("#night");
    await page.getByRole("combobox", { name: "Style" }).click();
    await page.getByRole("option", { name: "Title, severity and footer" }).click();
    await footer.fill("Call Ada\nbefore nine");
    await page.getByRole("switch", { name: "Reply in threads" }).uncheck();
    await page.getByRole("button", { name: "Send Test Alert" }).click();
    await expect(page.getByRole("region", { name: "What came of the test" })).toContainText("200 · Acknowledged");
    expect(chat.received[0]?.headers.authorization).toBe("Bearer a-secret-token");
    expect(JSON.parse(chat.received[0]?.body ?? "")).toMatchObject({ channel: "#night", threads: false });
    await page.getByRole("button", { name: "Add Destination" }).click();
    await page.getByRole("checkbox", { name: "I have kept it" }).check();
    await page.getByRole("link", { name: "Finish Setup" }).click();
  });

  const configuration = page.getByRole("region", { name: "Configuration" });
  await test.step("the details are as the type describes them", async () => {
    await expect(page.getByRole("heading", { name: "Night shift", level: 1, exact: true })).toBeVisible();
    for (const fact of [/Type\s*Test Chat/, /Channel\s*#night/, /Bot token\s*a value is stored/, /Call Ada/]) {
      await expect(configuration).toContainText(fact);
    }
    await expect(configuration).toContainText(/Style\s*Title, severity and footer/);
    await expect(configuration).toContainText(/Reply in threads\s*no/);
    await expect(page.getByText("a-secret-token")).toHaveCount(0);
  });

  const edit = () => page.getByRole("link", { name: "Edit", exact: true }).first().click();
  const save = page.getByRole("button", { name: "Save changes" });
  await test.step("an edit keeps the secret, but takes it to no other host", async () => {
    await edit();
    await expect(page.getByText("A value is stored")).toBeVisible();
    await expect(server).toHaveValue(chat.url);
    await server.fill(chat.url.replace("127.0.0.1", "localhost"));
    await save.click();
    await expect(page.getByText("a stored secret is not sent to a new scheme, host or port").first()).toBeVisible();
    await server.fill(chat.url);
    await page.getByRole("textbox", { name: "Channel" }).fill("#day");
    await save.click();
    await expect(configuration).toContainText(/Channel\s*#day/);
  });

  await test.step("what the API says of a field stands at the field", async () => {
    watch.expect(/status of 422/);
    await edit();
    await page.route("**/api/v1/destinations/*", async (route) => {
      // The page's own rules are as strict, so another client is played.
      const body = JSON.stringify({ settings: { channel: "" } });
      await (route.request().method() === "PATCH" ? route.continue({ postData: body }) : route.continue());
    });
    await page.getByRole("textbox", { name: "Channel" }).fill("#other");
    await save.click();
    await expect(page.getByRole("textbox", { name: "Channel" })).toHaveAccessibleDescription(/Is required/);
    await page.unrouteAll();
    await page.getByRole("link", { name: "Night shift" }).click();
    await page.getByRole("button", { name: "Leave" }).click();
  });

  await test.step("an alert is delivered, and only what the type takes for an ack is one", async () => {
    chat.answers({ status: 200, body: '{"ok":false}' }, { status: 200, body: '{"ok":true}' });
    const { id = "" } = (await api.call<{ items: { id: string }[] }>("GET", "/destinations")).items[0] ?? {};
    const { alertId, deliveries } = await api.alert([{ id }], { title: "Root signed in" });
    await api.settled(deliveries, "delivered");
    await page.goto(`/alerts/${alertId}?delivery=${deliveries[0]}`);
    const status = page.getByRole("region", { name: "Delivery Status" });
    const attempts = status.getByRole("list", { name: "Attempts, newest first" }).getByRole("button");
    await expect(attempts).toHaveCount(2);
    await attempts.nth(1).click();
    await expect(status.getByRole("region", { name: "Attempt 1" })).toContainText("the chat did not take the message");
    await attempts.first().click();
    const last = status.getByRole("region", { name: "Attempt 2" });
    await expect(last).toContainText("200 · Acknowledged");
    await last.getByRole("tab", { name: "Request" }).click();
    await expect(last.getByRole("region", { name: "request body" })).toContainText("#day");
    await expect(last).not.toContainText("a-secret-token");
  });
});
