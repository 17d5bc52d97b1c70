/** Fetching a published file: taken up again where it broke off, and checked before it gets its name. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { InputError, WeightsError } from "../errors.ts";

export interface FetchOptions {
  /** SHA-256 of the whole file in hexadecimal, where it is known beforehand; else the server's word for it is taken. */
  readonly sha256?: string;
  /** Is told how far it is, in bytes; the total is unknown where the server does not say it. */
  readonly progress?: (done: number, total: number | undefined) => void;
  /** Waits between attempts. */
  readonly wait?: (milliseconds: number) => Promise<void>;
}

/** What a server says of a file before it is read. */
interface Described {
  address: URL;
  size?: number;
  sha256?: string;
}

/** In a row, without a byte gained. */
const MOST_FAILURES = 5;
const MOST_REDIRECTS = 5;
const LONGEST_WAIT = 120_000;
/** Without a word from the server. */
const PATIENCE = 60_000;

/** A failure that may pass; `after` is how long the server asks to be left alone. */
class Passing extends Error {
  constructor(
    message: string,
    readonly after?: number,
  ) {
    super(message);
  }
}

/**
 * Fetches `address` into `file` by way of `file.part`, which a later call goes on with. An InputError where the server refuses or
 * cannot be reached after several attempts; a WeightsError, and the bytes thrown away, where they are not the published ones.
 */
export async function fetchFile(address: string, file: string, options: FetchOptions = {}): Promise<void> {
  const { progress, wait = (milliseconds) => pause(milliseconds) } = options;
  const part = `${file}.part`;
  await mkdir(dirname(file), { recursive: true });
  let expected: Described | undefined;
  for (let failures = 0; ; ) {
    const before = await sizeOf(part);
    try {
      expected = await describe(address);
      await append(expected, part, progress);
      break;
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      failures = (await sizeOf(part)) > before ? 1 : failures + 1;
      if (failures >= MOST_FAILURES)
        throw new InputError(`${address}: cannot be fetched (${error.message}); try again later to go on from here`);
      await wait(Math.min(error.after ?? 1000 * 2 ** (failures - 1), LONGEST_WAIT));
    }
  }
  await check(address, part, { ...expected, ...(options.sha256 ? { sha256: options.sha256 } : {}) });
  await rename(part, file);
}

/** Asks for the head only, through redirections, whose answers may carry size and checksum of the file. */
async function describe(address: string): Promise<Described> {
  const found: Described = { address: new URL(address) };
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    const response = await ask(found.address, "HEAD");
    const { headers } = response;
    const checksum = /[0-9a-f]{64}/.exec(headers.get("x-linked-etag") ?? "")?.[0];
    if (checksum) found.sha256 = checksum;
    const length = headers.get("x-linked-size") ?? (response.ok ? headers.get("content-length") : null);
    if (length !== null) found.size = Number(length);
    const location = headers.get("location");
    if (response.ok || location === null) return found;
    found.address = new URL(location, found.address);
  }
  throw new InputError(`${address}: redirected more than ${MOST_REDIRECTS} times; check the address`);
}

/** An answer that is usable: fine, or a redirection to be followed. */
async function ask(address: URL, method: "GET" | "HEAD", from = 0): Promise<Response> {
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (from > 0) headers.range = `bytes=${from}-`;
  const response = await fetch(address, {
    method,
    headers,
    redirect: "manual",
    ...(method === "HEAD" ? { signal: AbortSignal.timeout(PATIENCE) } : {}),
  }).catch((error: unknown) => {
    throw new Passing(reason(error));
  });
  const { status } = response;
  if (response.ok || (status >= 300 && status < 400) || status === 416) return response;
  await response.body?.cancel();
  if (status === 429 || status >= 500) throw new Passing(`the server answered ${status}`, retryAfter(response));
  const mend = status === 404 ? "the file is not there; check the address" : "check the address and your rights to it";
  throw new InputError(`${address}: the server answered ${status}: ${mend}`);
}

/** Reads the rest of the file behind what is in `part`. */
async function append({ address, size }: Described, part: string, progress: FetchOptions["progress"]): Promise<void> {
  let done = await sizeOf(part);
  if (size !== undefined && done >= size) {
    if (done === size) return;
    await rm(part);
    done = 0;
  }
  const response = await ask(address, "GET", done);
  if (response.status === 416) {
    await response.body?.cancel();
    await rm(part, { force: true });
    throw new Passing("the file has changed; it is fetched anew");
  }
  // A server that cannot go on in the middle sends everything.
  if (response.status !== 206) done = 0;
  const handle = await open(part, done ? "r+" : "w");
  try {
    for await (const chunk of patiently(response)) {
      await handle.write(chunk, 0, chunk.length, done);
      done += chunk.length;
      progress?.(done, size);
    }
  } catch (error) {
    throw "syscall" in (error as Error) ? error : new Passing(reason(error));
  } finally {
    await handle.close();
  }
  if (size !== undefined && done < size) throw new Passing(`it broke off at ${done} of ${size} bytes`);
}

/** Chunks of an answer; gives up on a server that falls silent. */
async function* patiently(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body!.getReader();
  for (;;) {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the server fell silent")), PATIENCE);
    });
    try {
      const { done, value } = await Promise.race([reader.read(), silence]);
      if (done) return;
      yield value;
    } catch (error) {
      await reader.cancel().catch(() => {});
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function check(address: string, part: string, { size, sha256 }: Partial<Described>): Promise<void> {
  const found = await sizeOf(part);
  const digest = sha256 === undefined ? undefined : await digestOf(part);
  if ((size === undefined || found === size) && digest === sha256) return;
  await rm(part);
  const facts = found === size ? `SHA-256 ${digest} where ${sha256} was due` : `${found} bytes where ${size} were due`;
  throw new WeightsError(
    `${address}: what came is not the published file (${facts}); it was thrown away: fetch it again`,
  );
}

/** SHA-256 of a file in hexadecimal. */
export async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest("hex");
}

/** Milliseconds that a server asks to wait: its seconds, or until its date. */
function retryAfter(response: Response): number | undefined {
  const text = response.headers.get("retry-after");
  if (text === null) return undefined;
  const milliseconds = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : undefined;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
