import { expect, test } from "./belfry";

test("a renamed destination is told what names it, and keeps its old name", async ({ page, api, receiver, unique }) => {
  const old = unique("Night shift");
  const now = unique("Day shift");
  const d = await api.call<{ id: string }>("POST", "/destinations", {
    displayName: old,
    type: "webhook",
    settings: { url: receiver.hook().url },
  });
  const post = (destinations: string[]) =>
    api.call("POST", "/alerts", { id: "x", severity: "HIGH", type: "RULE", title: "Named", destinations });
  await post([old]);
  await post([d.id]);
  await page.goto(`/destinations/${d.id}/edit`);
  await page.getByRole("textbox", { name: "Display Name" }).fill(now);
  await expect(page.getByRole("status").filter({ hasText: "2 alerts of the last 30 days named it." })).toContainText(
    `The old name, ${old}, goes on working`,
  );
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByText("Alerts that name one of these still come here.")).toBeVisible();
  await page.getByRole("button", { name: `Remove the former name ${old}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(page.getByText("Former names")).toBeHidden();

  await page.getByRole("button", { name: `What to do with ${now}` }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await expect(page.getByRole("dialog")).toContainText("2 alerts of the last 30 days named it.");
});

test("a name that nobody has is on Overview, with its alerts", async ({ page, api, unique }) => {
  const name = `${unique("Nobody")}\u200b`;
  await api.call("POST", "/destinations", {
    displayName: unique("Somebody"),
    type: "webhook",
    settings: { url: "http://127.0.0.1:9/" },
  });
  for (const title of ["First of two", "Second of two"]) {
    await api.call("POST", "/alerts", { id: "x", severity: "LOW", type: "RULE", title, destinations: [name] });
  }
  await page.goto("/");
  const item = page.locator("[data-row]").filter({ hasText: name.replace("\u200b", "[U+200B]") });
  await expect(item).toContainText("2 alerts of the last 24 h named it");
  await item.getByRole("link").click();
  await expect(page.getByText("Second of two")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Route: names/ })).toBeVisible();
});
