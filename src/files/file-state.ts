/** Notices whether a file that is read later is still the one that was opened. Imports nothing of Node, so that a page can hold it. */

import type { BigIntStats } from "node:fs";
import { InputError } from "../errors.ts";

/** A file as it was found. Threads may send it to each other. */
export interface FileState {
  /** Absolute. */
  readonly path: string;
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: bigint;
  /** Time of the last change, in nanoseconds. */
  readonly modified: bigint;
}

export function stateOf(path: string, { dev, ino, size, mtimeNs }: BigIntStats): FileState {
  return { path, device: dev, inode: ino, size, modified: mtimeNs };
}

/** Throws InputError if the path names another file by now, or one that was written since; `now` is its state if it is known. */
export function refuseChanged(before: FileState, now: FileState | undefined = stateNow(before.path)): void {
  const keys = ["device", "inode", "size", "modified"] as const;
  if (!now || keys.some((key) => now[key] !== before[key]))
    throw new InputError(`${before.path}: was changed or removed after it was loaded; load the model again`);
}

function stateNow(path: string): FileState | undefined {
  const { statSync } = process.getBuiltinModule("node:fs");
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && stateOf(path, stats);
}
