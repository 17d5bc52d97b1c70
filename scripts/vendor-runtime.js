// Copies the WebAssembly runtime of onnxruntime-web, of which the package needs four files of sixty, to vendor/.
import { copyFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const to = fileURLToPath(new URL("../vendor/onnxruntime-web", import.meta.url));
const from = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
mkdirSync(to, { recursive: true });
for (const name of [
  "ort.node.min.mjs",
  "ort.wasm.min.mjs",
  "ort-wasm-simd-threaded.mjs",
  "ort-wasm-simd-threaded.wasm",
])
  copyFileSync(join(from, name), join(to, name));
