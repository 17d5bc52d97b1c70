/** Deletes folders of temporary weights left by killed processes. */

import { readdirSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { isRunning } from "../files/running.ts";

/** What a process's folders begin with: the host's name, too, as the processes of another host are not known here. */
export function prefixOf(pid: number | string): string {
  return `groundling-weights-${hostname().replaceAll(/\W/g, "_")}-${pid}-`;
}

/** Deletes the folders of this host's processes that are gone, where the system lets us. */
export function deleteLeftoverWeights(): void {
  const ours = new RegExp(`^${prefixOf("(\\d+)")}`);
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(ours.exec(name)?.[1]);
    if (pid > 0 && !isRunning(pid)) remove(join(tmpdir(), name));
  }
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Another user's: it is theirs to sweep.
  }
}
