/** Keeps the page, ONNX Runtime and the model in the browser's cache, so that the page works without a network after its first use. */

const worker = globalThis as unknown as ServiceWorkerGlobalScope;
const CACHE = "groundling-1";

/** Besides the built files: the page, ONNX Runtime, and those of the built-in model's files that exist. */
const others = [
  "./",
  ...["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"].map((name) => `ort/${name}`),
  ...[
    "config.json",
    "preprocessor_config.json",
    "vocab.txt",
    "model.safetensors",
    "names.json",
    "companion.safetensors",
  ].map((name) => `models/everyday/${name}`),
];

worker.addEventListener("install", (event) => {
  void worker.skipWaiting();
  event.waitUntil(keepAll());
});
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== worker.location.origin) return;
  // Names of built files change with their contents; the rest is asked for again while there is a network.
  const isFixed = /\/assets\/[^/]+-[\w-]{8}\.\w+$/.test(new URL(request.url).pathname);
  event.respondWith(isFixed ? keptFirst(request) : networkFirst(request));
});

async function keepAll(): Promise<void> {
  const built: string[] = await (await fetch("files.json")).json();
  for (const name of [...others, ...built]) {
    const request = new Request(new URL(name, worker.registration.scope));
    const response = await fetch(request);
    if (response.ok) await keep(request, response);
  }
}

async function keptFirst(request: Request): Promise<Response> {
  const kept = await (await caches.open(CACHE)).match(request);
  return kept ?? fetched(request);
}

async function networkFirst(request: Request): Promise<Response> {
  try {
    return await fetched(request);
  } catch (error) {
    const kept = await (await caches.open(CACHE)).match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

async function fetched(request: Request): Promise<Response> {
  const response = await fetch(request);
  if (response.ok && response.status === 200) await keep(request, response.clone());
  return response;
}

/** A full disk must not stop the page: it is told, and the page goes on without being kept. */
async function keep(request: Request, response: Response): Promise<void> {
  try {
    await (await caches.open(CACHE)).put(request, response);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    for (const client of await worker.clients.matchAll()) client.postMessage({ notKept: request.url, why });
  }
}
