/** Lists the files under a folder; each folder is entered once, even if several links lead to it. */

import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../errors.ts";

/** More files are not a dataset for this program, and may be caused by links. */
const MOST_FILES = 20_000_000;

/**
 * Paths relative to the folder, separated by `/`, in the order of the folders' names. Hidden files and folders are left out; links to
 * folders are followed, but no folder is listed twice.
 * @throws InputError if the folder cannot be read.
 */
export function filesUnder(folder: string): string[] {
  return listUnder(folder).files;
}

/** The same, with what is neither a file nor a folder: pipes, sockets, devices and links that lead nowhere. */
export function listUnder(folder: string): { files: string[]; others: string[] } {
  const files: string[] = [];
  const others: string[] = [];
  const entered = new Set<string>();
  const waiting = [""];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const here = join(folder, path);
    const real = realpathSync.native(here);
    if (entered.has(real)) continue;
    entered.add(real);
    const folders: string[] = [];
    for (const entry of entriesOf(here)) {
      if (entry.name.startsWith(".")) continue;
      const name = path === "" ? entry.name : `${path}/${entry.name}`;
      const kind = kindOf(entry, join(folder, name));
      if (kind === "folder") folders.push(name);
      else if (kind === "file") files.push(name);
      else others.push(name);
    }
    if (files.length > MOST_FILES)
      throw new InputError(`${folder}: contains more than ${MOST_FILES} files; give a smaller folder`);
    for (const next of folders.reverse()) waiting.push(next);
  }
  return { files, others };
}

/**
 * What a folder contains, by name.
 * @throws InputError if the folder cannot be read.
 */
export function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new InputError(`${folder}: cannot be read (${error instanceof Error ? error.message : error})`);
  }
}

function kindOf(entry: Dirent, path: string): "file" | "folder" | "other" {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  if (!entry.isSymbolicLink()) return "other";
  // A circular or broken link.
  const facts = factsOf(path);
  return facts?.isFile() ? "file" : facts?.isDirectory() ? "folder" : "other";
}

function factsOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
