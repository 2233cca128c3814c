import type { Locator, Page } from "@playwright/test";
import { expect, test } from "./belfry";
import { answers } from "./receiver";

test("single keys search, move, open, re-send and close", async ({ page, api, receiver, unique }) => {
  const hook = receiver.hook(answers.broken);
  const d = await api.destination(unique("SOAR"), hook);
  const tag = unique("Keys");
  await api.failed(d, { title: `${tag} older` });
  await api.failed(d, { title: `${tag} newer` });
  await page.goto("/alerts");
  await expect(page.getByRole("table", { name: "alerts" })).toBeVisible();

  await page.keyboard.press("/");
  const search = page.getByRole("textbox", { name: "Search title, name or ID" });
  await expect(search).toBeFocused();
  await page.keyboard.type(tag);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("table", { name: "alerts" }).locator("[data-row]")).toHaveCount(2);
  await page.keyboard.press("Escape");
  await expect(search).not.toBeFocused();
  const link = (title: string) => page.getByRole("link", { name: `${tag} ${title}` });
  await page.keyboard.press("j");
  await expect(link("newer")).toBeFocused();
  await page.keyboard.press("j");
  await expect(link("older")).toBeFocused();
  await page.keyboard.press("k");
  await expect(link("newer")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: `${tag} newer` })).toBeVisible();

  hook.answers(answers.ok);
  const toggle = page.getByRole("button", { name: `Attempts to ${d.displayName}` });
  await expect(toggle).toHaveAttribute("aria-expanded", "false");
  await page.keyboard.press("j");
  await expect(toggle).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(toggle).toHaveAttribute("aria-expanded", "true");
  await page.keyboard.press("Escape");
  await expect(toggle).toHaveAttribute("aria-expanded", "false");
  await page.keyboard.press("r");
  await expect(page.getByRole("region", { name: "Delivery Status" }).getByRole("status").first()).toHaveText(
    "1 delivered",
  );

  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keys" });
  await expect(help).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(help).toBeHidden();
});

/** Presses Tab until the focus is there, as someone does who has no mouse. */
async function tabTo(page: Page, to: Locator, key = "Tab"): Promise<void> {
  for (let n = 0; n < 80; n++) {
    if (await to.evaluate((element) => element === document.activeElement)) {
      return;
    }
    await page.keyboard.press(key);
  }
  throw new Error(`${key} does not lead to ${to}`);
}

test("a destination is created without a mouse", async ({ page, api, receiver, unique }) => {
  const hook = receiver.hook();
  const name = unique("On-call pager");
  await api.destination(unique("Archive"), receiver.hook()); // so that there is a list
  await page.goto("/destinations");
  const press = async (to: Locator, key = "Enter") => {
    await expect(to).toBeVisible();
    await tabTo(page, to);
    await page.keyboard.press(key);
  };
  await press(page.getByRole("link", { name: "Add Destination" }));
  const field = page.getByRole("textbox", { name: "Display Name" });
  await expect(field).toBeVisible();
  await tabTo(page, field);
  await page.keyboard.type(name);
  await tabTo(page, page.getByRole("textbox", { name: "Custom Webhook URL" }));
  await page.keyboard.type(hook.url);
  await press(page.getByRole("checkbox", { name: "Critical" }), "Space");
  await press(page.getByRole("button", { name: "Send Test Alert" }));
  await expect(page.getByRole("region", { name: "What came of the test" })).toContainText("200 · Acknowledged");
  const add = page.getByRole("button", { name: "Add Destination" });
  await tabTo(page, add, "Shift+Tab");
  await page.keyboard.press("Enter");
  await press(page.getByRole("checkbox", { name: "I have kept it" }), "Space");
  await press(page.getByRole("link", { name: "Finish Setup" }));
  await expect(page.getByRole("heading", { name, level: 1, exact: true })).toBeVisible();
});
