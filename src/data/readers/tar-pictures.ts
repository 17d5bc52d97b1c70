/** Reads pictures inside tars: a path such as `shards/000.tar/one.jpg` refers to a member. */
import { existsSync } from "node:fs";
import { type TarEntry, tarEntries, tarEntryBytes } from "./tar-entries.ts";

/** Members by name, for each tar read so far. */
const indices = new Map<string, ReadonlyMap<string, TarEntry>>();

/** The path itself, or the picture's bytes if it is in a tar. */
export function pictureAt(path: string): string | Buffer {
  const found = inTar(path);
  return found ? tarEntryBytes(found.tar, found.entry) : path;
}

/** Whether a path refers to a member of a tar. */
export function isInTar(path: string): boolean {
  return inTar(path) !== undefined;
}

function inTar(path: string): { tar: string; entry: TarEntry } | undefined {
  const end = path.indexOf(".tar/") + ".tar".length;
  if (end < ".tar".length || existsSync(path)) return undefined;
  const tar = path.slice(0, end);
  const entry = indexOf(tar).get(path.slice(end + 1));
  return entry && { tar, entry };
}

function indexOf(tar: string): ReadonlyMap<string, TarEntry> {
  const known = indices.get(tar);
  if (known) return known;
  const index = new Map<string, TarEntry>();
  if (existsSync(tar)) for (const entry of tarEntries(tar)) if (!("damage" in entry)) index.set(entry.name, entry);
  indices.set(tar, index);
  return index;
}
