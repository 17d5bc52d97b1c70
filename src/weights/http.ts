/** HTTP requests for a file: its description, redirections, and temporary failures. */

import { InputError } from "../errors.ts";
import { type ProxyVariables, proxiedFetch } from "../files/proxied-fetch.ts";

/** A server's description of a file. */
export interface FileDescription {
  address: URL;
  size?: number;
  sha256?: string;
}

export interface RequestOptions {
  readonly method: "GET" | "HEAD";
  /** First byte to read. */
  readonly from?: number;
  readonly environment?: ProxyVariables;
  readonly signal?: AbortSignal;
}

const MOST_REDIRECTS = 5;
/** Milliseconds without a byte from the server. */
const TIMEOUT = 60_000;

/** A temporary failure; `after` is how many milliseconds the server asks to wait. */
export class TemporaryFailure extends Error {
  constructor(
    message: string,
    readonly after?: number,
  ) {
    super(message);
  }
}

/** A HEAD request through redirections, whose responses may state size and checksum of the file. */
export async function describeFile(address: string, options: Omit<RequestOptions, "method">): Promise<FileDescription> {
  const found: FileDescription = { address: addressOf(address) };
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    const response = await request(found.address, { ...options, method: "HEAD" });
    const { headers } = response;
    const checksum =
      checksumIn(headers.get("x-linked-etag")) ?? (hops === 0 ? checksumIn(headers.get("etag")) : undefined);
    if (checksum) found.sha256 ??= checksum;
    const length = headers.get("x-linked-size") ?? (response.ok ? headers.get("content-length") : null);
    if (length !== null && /^\d+$/.test(length)) found.size ??= Number(length);
    const location = headers.get("location");
    if (response.ok || location === null) {
      refuseWebPage(found.address, response);
      return found;
    }
    found.address = redirected(found.address, location);
  }
  throw new InputError(`${address}: redirected more than ${MOST_REDIRECTS} times; check the URL`);
}

/** A usable response: success or a redirection. */
export async function request(
  address: URL,
  { method, from = 0, environment, signal }: RequestOptions,
): Promise<Response> {
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (from > 0) headers.range = `bytes=${from}-`;
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error("the server does not answer")), TIMEOUT);
  const signals = signal ? [silence.signal, signal] : [silence.signal];
  const init: RequestInit = { method, headers, redirect: "manual", signal: AbortSignal.any(signals) };
  const response = await proxiedFetch(address, init, environment)
    .catch((error: unknown) => {
      signal?.throwIfAborted();
      throw new TemporaryFailure(reason(error));
    })
    .finally(() => clearTimeout(timer));
  const { status } = response;
  if (response.ok || (status >= 300 && status < 400) || status === 416) return response;
  await response.body?.cancel();
  if (status === 429 || status === 408 || status >= 500)
    throw new TemporaryFailure(`the server answered ${status}`, retryAfter(response));
  const remedy = status === 404 ? "the file does not exist; check the URL" : "check the URL and your access rights";
  throw new InputError(`${address}: the server answered ${status}: ${remedy}`);
}

/** A web page instead of a file comes from a network that requires a sign-in, or from a wrong address. */
export function refuseWebPage(address: URL, response: Response): void {
  if (!/^text\/html\b/i.test(response.headers.get("content-type") ?? "")) return;
  throw new InputError(
    `${address}: the server sent a web page instead of the file; sign in to the network if it asks for it, or check the URL`,
  );
}

/** Chunks of a response; fails if the server stops sending. */
export async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body!.getReader();
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const silence = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error("the server stopped sending data")), TIMEOUT);
      });
      try {
        const { done, value } = await Promise.race([reader.read(), silence]);
        if (done) return;
        yield value;
      } finally {
        clearTimeout(timer);
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function addressOf(text: string): URL {
  const address = URL.canParse(text) ? new URL(text) : undefined;
  if (address?.protocol === "https:" || address?.protocol === "http:") return address;
  throw new InputError(
    `${text}: is not the URL of a file; it must start with https:// or http:// (HF_ENDPOINT sets the hub)`,
  );
}

/** Target of a redirection. https is never redirected to http. */
function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (!to || (to.protocol !== "https:" && to.protocol !== "http:"))
    throw new InputError(`${from}: redirects to ${location}, which is not the URL of a file; check the URL`);
  if (from.protocol === "https:" && to.protocol === "http:")
    throw new InputError(
      `${from}: redirects from https to http (${to.host}), where anyone could change the file; sign in to the network if it asks for it, or check the URL`,
    );
  return to;
}

/** A SHA-256 in an ETag header. */
function checksumIn(mark: string | null): string | undefined {
  return /^(?:W\/)?"?([0-9a-f]{64})"?$/i.exec(mark?.trim() ?? "")?.[1]?.toLowerCase();
}

/** Milliseconds that a server asks to wait, given as seconds or a date. */
function retryAfter(response: Response): number | undefined {
  const text = response.headers.get("retry-after");
  if (text === null) return undefined;
  const milliseconds = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : undefined;
}
