/** Deletes folders of temporary weights left by killed processes. */

import { readdirSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { isRunning } from "../files/running.ts";

/** Prefix of a process's folders; it has the host's name, because processes of other hosts are unknown here. */
export function prefixOf(pid: number | string): string {
  return `groundling-weights-${hostname().replaceAll(/\W/g, "_")}-${pid}-`;
}

/** Deletes the folders of this host's ended processes, if the system allows it. */
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
    // It belongs to another user.
  }
}
