/** The model's worker as the page sees it. */

import { proxy, type Remote, wrap } from "comlink";
import type { ModelPlace, ModelWorker } from "./model-worker.ts";

const address = new URL(location.href);
/** The folder of ONNX Runtime; `?device=wasm` or `?device=webgpu` in the page's address chooses a device. */
const runtime = new URL("ort/", address);
const device = address.searchParams.get("device");
if (device) runtime.searchParams.set("device", device);

/** The built-in model. */
export const builtIn = new URL("models/everyday/", address).href;

export const worker: Remote<ModelWorker> = wrap(
  new Worker(new URL("./model-worker.ts", import.meta.url), { type: "module" }),
);

export function load(place: ModelPlace, received: (bytes: number) => void) {
  return worker.load(place, runtime.href, proxy(received));
}

export { proxy };
