/** The files of the page: its own, ONNX Runtime's and the built-in model's, from where they are in the package. */

import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "../../errors.ts";
import { writing } from "../../files/writing.ts";

/** A folder of files, and where it lies below the page. */
export interface ServedFolder {
  below: string;
  folder: string;
  /** Names of the files, if not all. */
  only?: readonly string[];
}

const root = fileURLToPath(new URL("../../../", import.meta.url));
const wasm = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"];
const webgpu = ["ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm"];

/** The folders of the page; `built` is where its own files are (default: in the package). Throws InputError if it is not built. */
export function pageFolders(built = join(root, "dist/page")): ServedFolder[] {
  if (!existsSync(join(built, "index.html")))
    throw new InputError(`${built} has no page; build it with npm run build, or install the package again`);
  const own = [join(root, "vendor/onnxruntime-web"), ...installed()].find((folder) =>
    wasm.every((name) => existsSync(join(folder, name))),
  );
  if (!own) throw new InputError("ONNX Runtime for pages is missing; install it with: npm install onnxruntime-web");
  // WebGPU's files are too large for the package; the page goes without if onnxruntime-web is not installed.
  const gpu = installed().map((folder) => ({ below: "ort", folder, only: webgpu }));
  return [
    { below: "", folder: built },
    { below: "ort", folder: own, only: wasm },
    ...gpu,
    { below: "models/everyday", folder: join(root, "assets/models/everyday") },
  ];
}

/** Writes the page into a folder that any static server can serve. Throws InputError if the folder has files. */
export async function writePage(folders: readonly ServedFolder[], out: string): Promise<void> {
  if (existsSync(out) && readdirSync(out).length > 0)
    throw new InputError(`${out} is not empty; give a new folder with --out`);
  await writing(out, () => {
    for (const { below, folder, only } of folders) {
      mkdirSync(join(out, below), { recursive: true });
      for (const name of only ?? readdirSync(folder))
        cpSync(join(folder, name), join(out, below, name), { recursive: true });
    }
  });
}

/** The files of the project's own onnxruntime-web, if it is installed. */
function installed(): string[] {
  try {
    return [dirname(createRequire(import.meta.url).resolve("onnxruntime-web"))];
  } catch {
    return [];
  }
}
