/** Finds ONNX Runtime: its native library in Node, else WebAssembly. */

import { InputError } from "../errors.ts";
import { telemetryOff } from "../files/telemetry.ts";

export type Runtime = typeof import("onnxruntime-common");

let native: Promise<Runtime | undefined> | undefined;
let web: Promise<Runtime> | undefined;
let given: Runtime | undefined;

/** Uses this runtime everywhere instead of looking for one: in a page, `useRuntime(await import("onnxruntime-web"))`. */
export function useRuntime(runtime: Runtime): void {
  given = runtime;
}

/** The native library: the project's own `onnxruntime-node`, or the one that was fetched when this package was installed. */
export function nativeRuntime(): Promise<Runtime | undefined> {
  native ??= given || !isNode() ? Promise.resolve(undefined) : findNative();
  return native;
}

/** The WebAssembly runtime: the project's own `onnxruntime-web`, or the part of it in this package. */
export function webRuntime(): Promise<Runtime> {
  web ??= given ? Promise.resolve(given) : findWeb();
  return web;
}

async function findNative(): Promise<Runtime | undefined> {
  telemetryOff();
  // Not imported, so that a page can import this module.
  const { createRequire } = process.getBuiltinModule("node:module");
  const require = createRequire(import.meta.url);
  for (const place of ["onnxruntime-node", "../../native/node_modules/onnxruntime-node"])
    try {
      return require(place);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") loadErrors.push(reasonOf(error));
    }
  return undefined;
}

const loadErrors: string[] = [];

async function findWeb(): Promise<Runtime> {
  // Names in variables, which bundlers ignore: a package that is not installed cannot be bundled.
  const names = ["onnxruntime-web", "../../vendor/onnxruntime-web/ort.node.min.mjs"];
  for (const name of isNode() ? names : [])
    try {
      return await import(/* @vite-ignore */ name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    }
  throw new InputError("ONNX Runtime is missing; set one with useRuntime, for example onnxruntime-web");
}

/** The message if the native library is missing. */
export function slowWords(): string {
  const why = loadErrors.length > 0 ? `cannot be loaded (${loadErrors[0]})` : "is not installed";
  return `groundling: ONNX Runtime's native library ${why}, so models run on WebAssembly, about three times slower; to install it: npm install onnxruntime-node@1.30.0 --ignore-scripts\n`;
}

export function isNode(): boolean {
  return typeof process === "object" && Boolean(process.versions?.node);
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!;
}
