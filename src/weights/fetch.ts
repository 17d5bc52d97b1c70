/** Downloads a published file: interrupted downloads continue, and the file is checked before it gets its name. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, mkdir, rename, rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { InputError, WeightsError } from "../errors.ts";
import { withLock } from "../files/lock.ts";
import type { ProxyVariables } from "../files/proxied-fetch.ts";
import { openPart } from "../files/write-whole.ts";
import { writing } from "../files/writing.ts";
import {
  chunksOf,
  describeFile,
  type FileDescription,
  reason,
  refuseWebPage,
  request,
  TemporaryFailure,
} from "./http.ts";

/** How a file is downloaded and checked. */
export interface FetchOptions {
  /** SHA-256 of the whole file in hexadecimal; default: the server's. */
  readonly sha256?: string;
  /** Called with the bytes received so far and the size of the file in bytes, where the server says it. */
  readonly progress?: (done: number, total: number | undefined) => void;
  /** Maximum size in bytes. Default: 16 GiB, the float32 numbers of the largest model that is built. */
  readonly most?: number;
  /** Checks the downloaded file before it gets its name; throws to refuse it. */
  readonly verify?: (path: string) => Promise<void>;
  /** Stops the download; the next call continues it. The promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Waits between attempts. */
  readonly wait?: (milliseconds: number) => Promise<void>;
  /** Environment with proxy variables; default: that of the process. */
  readonly environment?: ProxyVariables;
}

/** Consecutive attempts that received little. */
const MOST_FAILURES = 5;
/** After this many bytes, a broken connection does not count as a failed attempt. */
const GAIN = 2 ** 23;
const MOST_ATTEMPTS = 30;
const LONGEST_WAIT = 120_000;
const MOST_BYTES = 2 ** 34;

/**
 * Downloads `address` into `file` through `file.part`, which a later call continues; several processes that need one file download it
 * once. Throws InputError if the server refuses or cannot be reached after several attempts; throws WeightsError, and deletes the bytes,
 * if they are not the published ones.
 */
export async function fetchFile(address: string, file: string, options: FetchOptions = {}): Promise<void> {
  await writing(file, () => mkdir(dirname(file), { recursive: true }));
  const before = await identityOf(file);
  const lock = { ...(options.signal ? { signal: options.signal } : {}) };
  await withLock(
    `${file}.lock`,
    async () => {
      // Another process may have fetched it while this one waited.
      if ((await identityOf(file)) !== before) return;
      await fetchLocked(address, file, options);
    },
    lock,
  );
}

async function fetchLocked(address: string, file: string, options: FetchOptions): Promise<void> {
  const part = `${file}.part`;
  const expected = await attempts(address, part, options);
  await check(address, part, { ...expected, ...(options.sha256 ? { sha256: options.sha256 } : {}) });
  await options.verify?.(part).catch(async (error: unknown) => {
    await rm(part, { force: true });
    const said =
      error instanceof Error ? error.message.replace(`${part}: `, "it ").replaceAll(part, "it") : String(error);
    throw new WeightsError(`${address}: the download is not a model (${said}); it was deleted: check the URL`);
  });
  await rename(part, file);
}

/** Requests the file until it is complete, with pauses that double. */
async function attempts(address: string, part: string, options: FetchOptions): Promise<FileDescription> {
  const { signal, wait = (milliseconds) => pause(milliseconds, undefined, signal ? { signal } : {}) } = options;
  let failures = 0;
  for (let attempt = 1; ; attempt++) {
    const before = await sizeOf(part);
    try {
      const expected = await describeFile(address, options);
      const isKnown = (options.sha256 ?? expected.sha256) !== undefined;
      // There is no checksum to detect that an older part belongs to another file.
      if (attempt === 1 && !isKnown) await rm(part, { force: true });
      await append(expected, part, options);
      return expected;
    } catch (error) {
      if (!(error instanceof TemporaryFailure)) throw error;
      failures = (await sizeOf(part)) - before >= GAIN ? 1 : failures + 1;
      if (failures >= MOST_FAILURES || attempt >= MOST_ATTEMPTS)
        throw new InputError(`${address}: cannot be fetched (${error.message}); try again later to continue`);
      await wait(Math.min(error.after ?? 1000 * 2 ** (failures - 1), LONGEST_WAIT));
    }
  }
}

/** Appends the rest of the file to `part`. */
async function append(expected: FileDescription, part: string, options: FetchOptions): Promise<void> {
  const { address, size } = expected;
  let done = await sizeOf(part);
  if (size !== undefined && done >= size) {
    if (done === size) return;
    await rm(part);
    done = 0;
  }
  if (size !== undefined) await refuseSize(expected.address, { size, done, part, ...options });
  const response = await request(address, { ...options, method: "GET", from: done });
  if (response.status >= 300) {
    await response.body?.cancel();
    if (response.status === 416) await rm(part, { force: true });
    throw new TemporaryFailure(
      response.status === 416 ? "the file has changed; it is fetched anew" : "the file has moved",
    );
  }
  refuseWebPage(address, response);
  // A server without range requests sends everything.
  if (response.status !== 206) done = 0;
  else if (!new RegExp(`^bytes ${done}-`).test(response.headers.get("content-range") ?? `bytes ${done}-`))
    throw new TemporaryFailure("the server answered with another part of the file");
  done = await writePart(part, response, { ...options, done, ...(size === undefined ? {} : { size }) });
  if (size !== undefined && done < size) throw new TemporaryFailure(`it broke off at ${done} of ${size} bytes`);
}

/** Refuses a declared size that is more than the limit or the free space, before anything is fetched. */
async function refuseSize(
  address: URL,
  { size, done, part, most = MOST_BYTES }: FetchOptions & { size: number; done: number; part: string },
): Promise<void> {
  if (size > most)
    throw new WeightsError(
      `${address}: the server declares ${size} bytes, more than the limit of ${most}; check the URL`,
    );
  const folder = dirname(part);
  const { bavail, bsize } = await writing(part, () => statfs(folder));
  if (size - done > bavail * bsize)
    throw new InputError(
      `${address}: needs ${size - done} bytes, but the disk of ${folder} has ${bavail * bsize} free; free some space, or set another cache folder with XDG_CACHE_HOME`,
    );
}

async function writePart(
  part: string,
  response: Response,
  { done, size, progress, signal, most = MOST_BYTES }: FetchOptions & { done: number; size?: number },
): Promise<number> {
  const handle = await openPart(part);
  const end = size ?? most;
  try {
    await handle.truncate(done);
    for await (const chunk of chunksOf(response)) {
      if (done + chunk.length > end) throw new WeightsError(tooLargeText(response.url, { size, most }));
      await writing(part, () => handle.write(chunk, 0, chunk.length, done));
      done += chunk.length;
      progress?.(done, size);
    }
    return done;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof WeightsError) await rm(part, { force: true });
    throw error instanceof WeightsError || error instanceof InputError ? error : new TemporaryFailure(reason(error));
  } finally {
    await handle.close();
  }
}

function tooLargeText(address: string, { size, most }: { size: number | undefined; most: number }): string {
  const limit = size === undefined ? `the limit of ${most}` : `the ${size} that the server declared`;
  return `${address}: the server sent more bytes than ${limit}; the download was deleted: try again, or check the URL`;
}

async function check(address: string, part: string, { size, sha256 }: Partial<FileDescription>): Promise<void> {
  const found = await sizeOf(part);
  const digest = sha256 === undefined ? undefined : await digestOf(part);
  if ((size === undefined || found === size) && digest === sha256) return;
  await rm(part);
  const facts =
    size === undefined || found === size
      ? `SHA-256 ${digest} instead of ${sha256}`
      : `${found} bytes instead of ${size}`;
  throw new WeightsError(`${address}: the download is not the published file (${facts}); it was deleted: try again`);
}

/** SHA-256 of a file in hexadecimal. */
async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest("hex");
}

/** Bytes already downloaded; a link counts as 0 and is refused when it is opened. */
async function sizeOf(path: string): Promise<number> {
  const facts = await lstat(path).catch(() => undefined);
  return facts?.isFile() ? facts.size : 0;
}

/** Identifies a file, to detect that it was replaced. */
async function identityOf(file: string): Promise<string> {
  const facts = await lstat(file).catch(() => undefined);
  return facts ? `${facts.ino} ${facts.mtimeMs} ${facts.size}` : "";
}
