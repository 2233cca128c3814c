import { test as base, type Page } from "@playwright/test";
import { Api, type Scope } from "./api";
import { Receiver } from "./receiver";
import { Belfry } from "./server";
import { Watch } from "./watch";

export { expect } from "@playwright/test";

export type Options = {
  /** Who the page is signed in as; null for nobody. */
  as: Scope | null;
  /** A server of the test's own, with these settings besides, instead of the one that the worker's tests share. */
  own: NodeJS.ProcessEnv | null;
};

type ForTest = {
  server: Belfry;
  api: Api;
  watch: Watch;
  /** A name that no other test has: "SOAR 3". */
  unique: (word: string) => string;
};

type ForWorker = {
  receiver: Receiver;
  shared: () => Promise<Belfry>;
};

let names = 0;

export const test = base.extend<Options & ForTest, ForWorker>({
  as: ["admin", { option: true }],
  own: [null, { option: true }],

  receiver: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads what a fixture needs from its parameter
    async ({}, use) => {
      const receiver = await Receiver.start();
      await use(receiver);
      await receiver.close();
    },
    { scope: "worker" },
  ],

  shared: [
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => {
      let server: Promise<Belfry> | undefined;
      await use(() => {
        server ??= Belfry.start();
        return server;
      });
      await (await server)?.close();
    },
    { scope: "worker", timeout: 120_000 },
  ],

  server: async ({ own, shared }, use, info) => {
    const server = own === null ? await shared() : await Belfry.start(own);
    await use(server);
    if (info.status !== info.expectedStatus) {
      await info.attach("server log", { body: server.log, contentType: "text/plain" });
    }
    if (own !== null) {
      await server.close();
    }
  },

  baseURL: async ({ server }, use) => use(server.url),

  api: async ({ server }, use) => use(new Api(server.url, server.token)),

  watch: async ({ page, server }, use) => {
    const watch = new Watch(page, server.url);
    await use(watch);
    watch.check();
  },

  page: async ({ page, as, api, server, unique }, use) => {
    if (as !== null) {
      const token = as === "admin" ? server.token : (await api.newToken(unique(`e2e ${as}`), [as])).token;
      await page.request.post(`${server.url}/api/v1/session`, { data: { token } });
    }
    await use(page);
  },

  // biome-ignore lint/correctness/noEmptyPattern: as above
  unique: async ({}, use) => use((word) => `${word} ${++names}`),
});

// Every page of every test is watched.
test.beforeEach(({ watch: _watch }) => {});

/** Marks the page: what came after it came without a reload. */
export async function mark(page: Page): Promise<() => Promise<boolean>> {
  await page.evaluate(() => document.documentElement.setAttribute("data-e2e", "here"));
  return () => page.evaluate(() => document.documentElement.getAttribute("data-e2e") === "here");
}
