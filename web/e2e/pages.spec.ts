import type { Page } from "@playwright/test";
import { expectNoViolations } from "./axe";
import { expect, test } from "./belfry";
import { type Place, places, visit } from "./pages";
import { answers } from "./receiver";

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing on any page, ${colorScheme}`, async ({ page, api, receiver, unique, watch }) => {
    watch.expect(/status of 404.*\/alerts\/none/);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const place of await places(api, receiver, unique)) {
      await visit(page, place);
      await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", colorScheme);
      await expectNoViolations(page, place.name);
    }
    await page.goto("/sign-in");
    await expect(page.getByLabel("Token")).toBeVisible();
    await expectNoViolations(page, "sign-in");
  });
}

test("the overview and the list read how all destinations did in one call", async ({ page, api, receiver, unique }) => {
  const names: string[] = [];
  for (const word of ["SOAR", "Archive", "Ticketing"]) {
    const d = await api.destination(unique(word), receiver.hook());
    names.push(d.displayName);
    await api.settled((await api.alert([d])).deliveries, "delivered");
  }
  const asked: string[] = [];
  page.on("request", (request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname.endsWith("/health")) {
      asked.push(pathname.replace(/.*destinations/, "") + search);
    }
  });
  await page.goto("/");
  await expect(page.getByRole("region", { name: "Attempts" }).getByText(/^The worst hour had/)).toBeVisible();
  expect(asked.filter((path) => path.includes("history"))).toEqual(["/health?history=true"]);
  expect(new Set(asked)).toEqual(new Set(["/health", "/health?history=true"]));

  await page.goto("/destinations");
  for (const name of names) {
    const bars = page.getByRole("row", { name }).getByRole("img", { name: /^1 acknowledged, 0 failed/ });
    await expect(bars.locator("> span")).toHaveCount(24);
  }
  expect(new Set(asked)).toEqual(new Set(["/health", "/health?history=true"]));
});

test("axe finds nothing in the dialogs, also on a narrow screen", async ({ page, api, receiver, unique }) => {
  const d = await api.destination(unique("SOAR"), receiver.hook(answers.broken));
  const { alertId } = await api.failed(d);
  const well = await api.destination(unique("Archive"), receiver.hook());
  const sent = await api.alert([well]);
  await api.settled(sent.deliveries, "delivered");
  const look = async (name: string) => {
    await expect(page.getByRole("dialog")).toBeVisible();
    await expect(page.getByRole("dialog").getByRole("status", { name: "Loading" })).toHaveCount(0);
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 });
      await expectNoViolations(page, `${name} at ${width} px`);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.getByRole("dialog").press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  };

  await page.goto(`/destinations/${d.id}`);
  await page.getByRole("button", { name: "Send Test Alert" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Send Test Alert" }).click();
  await expect(page.getByText("500 · Rejected")).toBeVisible();
  await look("test");
  await page.getByRole("button", { name: "Pause" }).click();
  await look("pause");
  for (const item of ["Re-send what failed…", "Rotate signing secret…", "Delete…"]) {
    await page.getByRole("button", { name: `What to do with ${d.displayName}`, exact: true }).click();
    await page.getByRole("menuitem", { name: item }).click();
    await look(item);
  }
  await page.goto(`/deliveries?destination=${d.id}`);
  await page.getByRole("checkbox", { name: "Select the 1 shown" }).check();
  await page.getByRole("button", { name: "Re-send…" }).click();
  await look("bulk re-send");
  await page.goto(`/alerts/${sent.alertId}`);
  await page.getByRole("button", { name: "Send again" }).click();
  await look("send again");
  await page.goto("/settings");
  await page.getByRole("button", { name: "Create token" }).click();
  await look("token");
  await page.goto(`/alerts/${alertId}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  for (const menu of ["Light or dark", /^Account/]) {
    await page.getByRole("button", { name: menu }).click();
    await expect(page.getByRole("menu")).toBeVisible();
    await expectNoViolations(page, `menu ${menu}`);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("menu")).toHaveCount(0);
  }
  await page.getByRole("button", { name: "Help with keys" }).click();
  await look("keys");
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

  const overflow = (page: Page) =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

  test("no page scrolls sideways, and what matters is in reach", async ({ page, api, receiver, unique, watch }) => {
    watch.expect(/status of 404.*\/alerts\/none/);
    const all = await places(api, receiver, unique);
    for (const place of all) {
      await visit(page, place);
      expect.soft(await overflow(page), `${place.name}: pixels too wide`).toBe(0);
    }
    const at = async (name: string) => visit(page, all.find((p) => p.name === name) as Place); // each is there
    await at("alert");
    await page.getByRole("button", { name: "Re-send" }).first().tap({ trial: true });
    await at("destination");
    await page.getByRole("button", { name: "Send Test Alert" }).tap({ trial: true });
    await page.getByRole("button", { name: "Pause" }).tap({ trial: true });
    await at("add a destination");
    await page.getByRole("button", { name: "Add Destination" }).tap({ trial: true });
    await at("destinations");
    await page.getByRole("link", { name: "Add Destination" }).tap({ trial: true });
    await at("deliveries");
    await page.getByRole("checkbox", { name: /^Select the \d+ shown/ }).tap();
    await page.getByRole("button", { name: "Re-send…" }).tap();
    await expect(page.getByRole("dialog")).toBeVisible();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).tap();
    await page.getByRole("button", { name: "Navigation", exact: true }).tap();
    await page.getByRole("link", { name: "Settings" }).tap();
    await expect(page.getByRole("heading", { name: "Settings", level: 1 })).toBeVisible();
    await expect(page.getByRole("link", { name: "Overview" })).toBeHidden();
  });
});

test("light or dark is as the system says, or as chosen, and stays", async ({ page, watch }) => {
  const html = page.locator("html");
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto("/alerts");
  await expect(html).toHaveAttribute("data-mantine-color-scheme", "light");
  await expect.poll(ground).toBe("rgb(255, 255, 255)");
  await page.emulateMedia({ colorScheme: "dark" });
  await expect(html).toHaveAttribute("data-mantine-color-scheme", "dark");
  await expect.poll(ground).not.toBe("rgb(255, 255, 255)");

  await page.getByRole("button", { name: "Light or dark" }).click();
  await page.getByRole("menuitemradio", { name: "Light" }).click();
  await expect(html).toHaveAttribute("data-mantine-color-scheme", "light");
  await page.reload();
  await expect(page.getByRole("heading", { name: "Alerts", level: 1 })).toBeVisible();
  await expect(html).toHaveAttribute("data-mantine-color-scheme", "light");

  // And from the first paint on, before the page's own code is there.
  watch.expect(/net::ERR_FAILED.*\/assets\//);
  await page.route("**/assets/*.js", (route) => route.abort());
  await page.reload();
  await expect(html).toHaveAttribute("data-mantine-color-scheme", "light");
});
