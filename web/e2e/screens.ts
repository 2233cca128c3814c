// Not a test: writes the pictures of docs/screens (make screens).
import { mkdirSync } from "node:fs";
import path from "node:path";
import { type BrowserContext, expect, type Page, test } from "@playwright/test";
import { Api } from "./api";
import { answers, Receiver } from "./receiver";
import { seed } from "./seed";
import { Belfry } from "./server";

const folder = path.join(import.meta.dirname, "../../docs/screens");
const wide = { width: 1280, height: 800 };

test("screens", async ({ browser }) => {
  mkdirSync(folder, { recursive: true });
  const receiver = await Receiver.start();
  // As the proxy of the server, the receiver answers for hosts that do not exist.
  const server = await Belfry.start({
    BELFRY_EGRESS_PROXY: `http://${receiver.host}`,
    BELFRY_RETRY_WAITS: "1s 2s 4s",
  });
  const contexts: BrowserContext[] = [];
  try {
    const first = await new Api(server.url, server.token).newToken("analyst", ["admin"]);
    const api = new Api(server.url, first.token);
    const seeded = await seed(server, api, receiver);
    const signedIn = async (colorScheme: "light" | "dark"): Promise<Page> => {
      const context = await browser.newContext({ baseURL: server.url, viewport: wide, colorScheme });
      contexts.push(context);
      await context.request.post("/api/v1/session", { data: { token: first.token } });
      return context.newPage();
    };
    const pages = { light: await signedIn("light"), dark: await signedIn("dark") };
    const shoot = async (name: string, at: string, ready: (page: Page) => Promise<void>) => {
      for (const [scheme, page] of Object.entries(pages)) {
        await page.goto(at);
        await ready(page);
        await expect(page.getByRole("status", { name: /^Loading/ })).toHaveCount(0);
        await expect(page.getByText("Live", { exact: true }).first()).toBeAttached();
        await page.screenshot({ path: path.join(folder, `${name}-${scheme}.png`), animations: "disabled" });
      }
    };
    const shows = (text: string) => (page: Page) => expect(page.getByText(text).first()).toBeVisible();

    await shoot("overview", "/", async (page) => {
      await shows("Needs attention")(page);
      await expect(page.locator("svg.recharts-surface").first()).toBeVisible();
    });
    await shoot("destinations", "/destinations", shows("On-call pager"));
    await shoot("destination", `/destinations/${seeded.ticketing.id}`, async (page) => {
      await expect(page.locator("svg.recharts-surface").first()).toBeVisible();
    });
    await shoot("alerts", "/alerts", shows("AWS root login"));
    await shoot("settings", "/settings", shows("detection engine"));

    const alert = `/alerts/${seeded.alertId}?delivery=${seeded.delivery}`;
    const open = (page: Page) => expect(page.getByRole("region", { name: "response body" })).toBeVisible();
    await shoot("alert", alert, open);
    for (const page of Object.values(pages)) {
      await page.setViewportSize({ width: 390, height: 844 });
    }
    await shoot("alert-narrow", alert, open);
    for (const page of Object.values(pages)) {
      await page.setViewportSize(wide);
    }

    receiver.hookAt("http://chat.example.com/hooks/belfry", answers.ok);
    await shoot("destination-new", "/destinations/new", async (page) => {
      await page.getByRole("textbox", { name: "Display Name" }).fill("Chat");
      await page.getByRole("textbox", { name: "Custom Webhook URL" }).fill("http://chat.example.com/hooks/belfry");
      await page.getByRole("checkbox", { name: "High" }).check();
      await page.getByRole("checkbox", { name: "Critical" }).check();
      await page.getByRole("button", { name: "Send Test Alert" }).click();
      await shows("200 · Acknowledged")(page);
    });

    seeded.tickets.answers(answers.ok);
    const bulk = await api.call<{ id: string }>("POST", "/bulk-resends", {
      filter: { destinationId: [seeded.ticketing.id], status: ["failed"] },
      perSecond: 1,
    });
    await shoot("deliveries", `/deliveries?bulk=${bulk.id}`, async (page) => {
      await expect(page.getByRole("article")).toContainText(/[1-9] re-sent/);
      await shows("Delivered")(page);
    });
  } finally {
    await Promise.all(contexts.map((c) => c.close()));
    await server.close();
    await receiver.close();
  }
});
