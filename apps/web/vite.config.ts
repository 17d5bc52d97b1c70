/** Builds the page into dist/page: static files with relative addresses. ONNX Runtime and the model lie beside them (src/apps/page). */

import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Lists the built files, which the service worker keeps. */
const listFiles: Plugin = {
  name: "list-files",
  generateBundle(_, bundle) {
    const files = Object.keys(bundle).filter((name) => !/^(index\.html|service-worker\.js)$/.test(name));
    this.emitFile({ type: "asset", fileName: "files.json", source: JSON.stringify(files) });
  },
};

export default defineConfig({
  root: at("."),
  base: "./",
  plugins: [listFiles],
  build: {
    outDir: at("../../dist/page"),
    emptyOutDir: true,
    target: "es2022",
    rollupOptions: {
      input: { index: at("index.html"), "service-worker": at("src/service-worker.ts") },
      // The name of a service worker must not change.
      output: { entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js") },
    },
  },
  worker: { format: "es" },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
