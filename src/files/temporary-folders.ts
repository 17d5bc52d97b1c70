/** Names of unfinished folders, which tell whose they are, so that those of a killed process are deleted by the next. */

import { createHash } from "node:crypto";
import { readdirSync, readlinkSync, rmSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isRunning } from "./running.ts";

/** What the names of this process's unfinished folders hold: its host, by a hash, and its number. */
export function temporarySuffix(pid: number | string = process.pid): string {
  return `.part-${host()}-${pid}-`;
}

/** Deletes the unfinished folders in `folder` whose names begin with `stem` and whose processes are gone; what the system refuses stays. */
export function deleteLeftoverFolders(folder: string, stem: string): void {
  const pattern = new RegExp(`^${temporarySuffix("(\\d+)")}\\w{6}$`);
  for (const name of readdirSync(folder)) {
    const pid = name.startsWith(stem) ? Number(pattern.exec(name.slice(stem.length))?.[1]) : 0;
    if (pid > 0 && !isRunning(pid)) remove(join(folder, name));
  }
}

function remove(folder: string): void {
  try {
    // One that holds what it was to replace was killed as it took its name: nothing of the user's is deleted.
    if (statSync(join(folder, "old"), { throwIfNoEntry: false })) return;
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Another user's: it is theirs to sweep.
  }
}

/** Containers may share a host's name and a disk, and number their processes alike. */
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
