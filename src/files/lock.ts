/** A lock file for one process at a time. The owner updates it regularly; others take it over when the owner is gone. */

import { randomBytes } from "node:crypto";
import { link, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { isRunning } from "./running.ts";
import { openNew, temporaryName } from "./write-whole.ts";
import { writing } from "./writing.ts";

interface Owner {
  readonly process: number;
  readonly host: string;
  /** Distinguishes two locks of the same process. */
  readonly key: string;
}

export interface LockOptions {
  /** Milliseconds between checks of a lock that another process holds. */
  readonly patience?: number;
  /** Milliseconds without a sign of its owner after which a lock is taken over. */
  readonly stale?: number;
  readonly signal?: AbortSignal;
}

/** Waits for the lock `file` and runs `work` while holding it. */
export async function withLock<Result>(
  file: string,
  work: () => Promise<Result>,
  { patience = 250, stale = 30_000, signal }: LockOptions = {},
): Promise<Result> {
  const owner: Owner = { process: process.pid, host: hostname(), key: randomBytes(12).toString("hex") };
  const text = JSON.stringify(owner);
  while (!(await tryLock(file, text))) {
    signal?.throwIfAborted();
    const held = await readFile(file, "utf8").catch(() => undefined);
    if (held !== undefined && (await isStale(file, held, stale))) await removeLock(file, held);
    else await pause(patience, undefined, signal ? { signal } : {});
  }
  const sign = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => {}), stale / 4).unref();
  try {
    return await work();
  } finally {
    clearInterval(sign);
    if ((await readFile(file, "utf8").catch(() => undefined)) === text) await rm(file, { force: true });
  }
}

/** Creates the lock file; false if it exists. It is written under another name first, so that no process reads an empty one. */
function tryLock(file: string, text: string): Promise<boolean> {
  return writing(file, async () => {
    const draft = temporaryName(file);
    await writeNew(draft, text);
    try {
      await link(draft, file);
      return true;
    } catch (error) {
      if (exists(error)) return false;
      // The disk has no hard links.
      return await writeNew(file, text).then(
        () => true,
        (failure: unknown) => {
          if (exists(failure)) return false;
          throw failure;
        },
      );
    } finally {
      await rm(draft, { force: true });
    }
  });
}

async function writeNew(file: string, text: string): Promise<void> {
  const handle = await openNew(file);
  try {
    await handle.writeFile(text);
  } finally {
    await handle.close();
  }
}

function exists(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}

async function isStale(file: string, held: string, stale: number): Promise<boolean> {
  const facts = await stat(file).catch(() => undefined);
  if (!facts) return false;
  if (Date.now() - facts.mtimeMs > stale) return true;
  const owner = ownerIn(held);
  return owner?.host === hostname() && !(Number.isInteger(owner.process) && isRunning(owner.process));
}

function ownerIn(text: string): Owner | undefined {
  try {
    const owner: unknown = JSON.parse(text);
    return typeof owner === "object" && owner !== null && "process" in owner && "host" in owner
      ? (owner as Owner)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Removes the lock if it still has the content that was read; puts back a lock that another process took in the meantime. */
async function removeLock(file: string, held: string): Promise<void> {
  const aside = temporaryName(file);
  try {
    await rename(file, aside);
    if ((await readFile(aside, "utf8")) !== held) await link(aside, file);
  } catch {
    // Another was faster.
  } finally {
    await rm(aside, { force: true });
  }
}
