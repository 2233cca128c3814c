import { execFileSync } from "node:child_process";
import path from "node:path";
import { defineConfig } from "@playwright/test";
import type { Options } from "./belfry";

// Once, and not again in each worker.
process.env.E2E_CHROMIUM ??= execFileSync(path.join(import.meta.dirname, "chromium.sh"), {
  encoding: "utf8",
  stdio: ["ignore", "pipe", "inherit"],
}).trim();

const screens = process.env.E2E_SCREENS !== undefined;

export default defineConfig<Options>({
  testDir: import.meta.dirname,
  testMatch: screens ? "screens.ts" : "*.spec.ts",
  outputDir: "../node_modules/.cache/e2e",
  // Each worker has a server, a Postgres and a browser of its own.
  workers: screens ? 1 : 2,
  fullyParallel: true,
  forbidOnly: process.env.CI !== undefined,
  // Far more than it takes, for a machine that has other things to do.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  reporter: "list",
  use: {
    launchOptions: { executablePath: process.env.E2E_CHROMIUM },
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    contextOptions: { reducedMotion: "reduce" },
    actionTimeout: 30_000,
    screenshot: "only-on-failure",
  },
});
