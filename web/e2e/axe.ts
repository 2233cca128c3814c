import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, type Page } from "@playwright/test";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

type Result = { violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[] };

/** Checks that axe finds nothing. Its code comes in by the debugger, so the page's own policy stays in force. */
export async function expectNoViolations(page: Page, where: string): Promise<void> {
  await page.evaluate(`typeof axe === "undefined" && (() => {${source}})()`);
  const { violations } = await page.evaluate<Result>("axe.run(document, { resultTypes: ['violations'] })");
  const said = violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `  ${n.html}`).join("\n")}`);
  expect.soft(said, where).toEqual([]);
}
