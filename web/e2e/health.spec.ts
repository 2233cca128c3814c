import type { Page } from "@playwright/test";
import { expect, test } from "./belfry";
import { answers } from "./receiver";

/** What the page of a destination and Overview say while it is not healthy. */
async function says(page: Page, name: string, state: "failing" | "unreachable", id: string, held: boolean) {
  await page.goto(`/destinations/${id}`);
  const banner = page.getByRole("region", { name: `This destination is ${state}` });
  await expect(banner).toContainText(held ? "and spend no attempt" : "in a row got no");
  await expect(page.getByText(state === "failing" ? "Failing" : "Unreachable", { exact: true }).first()).toBeVisible();
  await expect(page.getByText("Deliveries held", { exact: true })).toHaveCount(held ? 1 : 0);
  await page.goto("/");
  const line = page.getByRole("region", { name: "Needs attention" }).getByRole("listitem").filter({ hasText: name });
  await expect(line).toContainText(`is ${state}`);
  await expect(line).toContainText(held ? /\d+ held/ : "attempts in a row");
}

// Deliveries are held only after half a minute of failures, so this takes as long.
test("a destination is failing, held, unreachable, and healthy again", async ({ page, api, receiver, unique }) => {
  test.setTimeout(600_000); // more than its polls together, so that the one that waits too long is named
  const hook = receiver.hook(answers.away);
  const name = unique("SOAR");
  const d = await api.destination(name, hook);
  const health = () =>
    api.call<{ state: string; heldSince: string | null; held: Record<string, number> }>(
      "GET",
      `/destinations/${d.id}/health`,
    );
  await page.goto(`/destinations/${d.id}`);
  await expect(page.getByText("Not tried yet", { exact: true })).toBeVisible();

  await api.failed(d); // with all its three tries
  await says(page, name, "failing", d.id, false);
  hook.answers(answers.hanging);
  await api.failed(d);
  await says(page, name, "unreachable", d.id, false);

  hook.answers(answers.away);
  await expect
    .poll(
      async () => {
        await api.alert([d]);
        return (await health()).heldSince;
      },
      { timeout: 120_000, intervals: [2_000] },
    )
    .not.toBeNull();
  for (let n = 0; n < 5; n++) {
    await api.alert([d]);
  }
  await says(page, name, "failing", d.id, true);

  hook.answers(answers.hanging); // the next probe
  await expect.poll(async () => (await health()).state, { timeout: 120_000 }).toBe("unreachable");
  await says(page, name, "unreachable", d.id, true);
  await page.goto(`/destinations?q=${encodeURIComponent(name)}&health=unreachable`);
  await expect(page.getByRole("link", { name })).toBeVisible();

  hook.answers(answers.ok);
  await expect.poll(async () => (await health()).state, { timeout: 120_000 }).toBe("healthy");
  await expect.poll(async () => (await health()).held.failing, { timeout: 60_000 }).toBe(0);
  await page.goto(`/destinations/${d.id}`);
  await expect(page.getByText("Healthy", { exact: true }).first()).toBeVisible();
  await expect(page.getByRole("region", { name: /^This destination is/ })).toHaveCount(0);
});
