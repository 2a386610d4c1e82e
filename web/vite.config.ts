import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// The server sends scripts and styles as they are in the bundle, so they are compressed here, once.
function compress(): Plugin {
  return {
    name: "compress",
    apply: "build",
    closeBundle() {
      const assets = fileURLToPath(new URL("dist/assets/", import.meta.url));
      for (const name of readdirSync(assets)) {
        if (!/\.(js|css|ttf)$/.test(name)) continue;
        writeFileSync(assets + name + ".gz", gzipSync(readFileSync(assets + name), { level: 9 }));
        rmSync(assets + name);
      }
    },
  };
}

const server = "http://127.0.0.1:7007";

export default defineConfig({
  plugins: [react(), compress()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 8000,
    rolldownOptions: {
      input: ["index.html", "graphiql.html"],
      onLog(level, log, report) {
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") report(level, log); // GraphiQL's notes to its own compiler
      },
    },
  },
  worker: { format: "es" },
  server: { proxy: { "/graphql": server } },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    setupFiles: ["src/testing/patience.ts"],
    testTimeout: 60_000,
  },
});
