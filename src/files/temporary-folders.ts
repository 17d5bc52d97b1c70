/** Names of unfinished and temporary folders. They contain the process, so that later processes delete the folders of a killed one. */

import { createHash } from "node:crypto";
import { readdirSync, readlinkSync, rmSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isRunning } from "./running.ts";

/** The suffix of this process's folders: its host, as a hash, and its process id. The six letters of `mkdtemp` follow. */
export function temporarySuffix(pid: number | string = process.pid): string {
  return `.part-${host()}-${pid}-`;
}

/**
 * Deletes the folders in `folder` with this suffix whose names start with `stem` and whose processes have ended. Folders that cannot be deleted
 * stay.
 */
export function deleteLeftoverFolders(folder: string, stem: string): void {
  const pattern = new RegExp(`^${temporarySuffix("(\\d+)")}\\w{6}$`);
  for (const name of readdirSync(folder)) {
    const pid = name.startsWith(stem) ? Number(pattern.exec(name.slice(stem.length))?.[1]) : 0;
    if (pid > 0 && !isRunning(pid)) remove(join(folder, name));
  }
}

function remove(folder: string): void {
  try {
    // A folder with "old" was killed during the replacement: the user's data are in it, so it stays.
    if (statSync(join(folder, "old"), { throwIfNoEntry: false })) return;
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // It belongs to another user.
  }
}

/** Containers can have the same host name, the same disk and the same process ids. */
function host(): string {
  return createHash("sha256").update(`${hostname()} ${processNamespace()}`).digest("hex").slice(0, 8);
}

function processNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
