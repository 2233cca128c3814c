import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Where `npm run dev` finds a server: a Belfry on this machine.
const server = "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    target: ["chrome125", "firefox128", "safari17.5"],
    cssTarget: ["chrome125", "firefox128", "safari17.5"],
    // The Content-Security-Policy allows no data: and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600, // kB before gzip; what counts is the first page in gzip
  },
  server: {
    proxy: Object.fromEntries(["/api", "/sign-in", "/docs", "/openapi.yaml", "/readyz"].map((path) => [path, server])),
  },
  test: {
    dir: "src", // what is in e2e/ is for a real browser
    environment: "happy-dom",
    setupFiles: ["src/testing.ts"],
    restoreMocks: true,
    unstubGlobals: true,
    testTimeout: 30_000, // for a machine that has much else to do
  },
});
