/** Serves the page on this machine. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import sirv from "sirv";
import { InputError } from "../../errors.ts";
import type { ServedFolder } from "./page-files.ts";

export interface PageServer {
  /** The page's address. */
  address: string;
  close(): Promise<void>;
}

/**
 * Browsers give threads and exact clocks only to isolated pages. Scripts may come from the page alone; ONNX Runtime's WebAssembly needs
 * the word for it, and its threads are workers from blobs.
 */
const headers = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy":
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; connect-src 'self' blob: data: https: http://127.0.0.1:* http://localhost:*",
};

/** Serves folders on an address and port (0: any free one). Throws InputError if the port is taken. */
export async function servePage(
  folders: readonly ServedFolder[],
  { host, port }: { host: string; port: number },
): Promise<PageServer> {
  const places = folders.map(({ below, folder, only }) => ({
    prefix: `/${below}${below ? "/" : ""}`,
    only: only && new Set(only),
    serve: sirv(folder, { etag: true, dev: false, setHeaders: (response) => void setAll(response) }),
  }));
  const server = createServer((request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") return void response.writeHead(405).end();
    const path = (request.url ?? "/").split("?", 1)[0]!;
    const found = places
      .filter(({ prefix, only }) => path.startsWith(prefix) && (!only || only.has(path.slice(prefix.length))))
      .sort((a, b) => b.prefix.length - a.prefix.length)[0];
    if (!found) return void response.writeHead(404).end();
    request.url = `/${path.slice(found.prefix.length)}`;
    return found.serve(request, response, () => void response.writeHead(404).end());
  });
  await listening(server, host, port);
  const { port: given } = server.address() as AddressInfo;
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    address: `http://${shown}:${given}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function setAll(response: { setHeader(name: string, value: string): unknown }): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "another program uses this port" : error.message;
      reject(new InputError(`the page cannot be served on ${host}, port ${port} (${why}); choose another with --port`));
    });
    server.listen(port, host, resolve);
  });
}
