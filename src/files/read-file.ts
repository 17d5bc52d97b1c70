/** Reads files named by data or users: only regular files, and only up to a limit. */

import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { InputError } from "../errors.ts";

/** Maximum size of a text in bytes: JavaScript's strings cannot be longer. */
const MOST_TEXT = 2 ** 29 - 32;
/** If a pipe replaces the file, opening it does not wait for a writer; Windows has no such flag. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * The bytes of a regular file.
 * @throws InputError if it is not a regular file, cannot be read, or has more than `most` bytes.
 */
export function readBytes(file: string, most: number): Buffer {
  const refuse = (problem: string): never => {
    throw new InputError(`${file.replaceAll("\0", "\\0")}: cannot be read (${problem})`);
  };
  if (file.includes("\0")) refuse("the path contains a NUL character");
  let handle: number | undefined;
  try {
    // Checked before opening, because opening a device may have effects.
    if (!statSync(file).isFile()) return refuse("it is not a regular file; save it to a file");
    handle = openSync(file, READ);
    const facts = fstatSync(handle);
    if (!facts.isFile()) return refuse("it is not a regular file; save it to a file");
    if (facts.size > most) return refuse(`it has ${facts.size} bytes, more than the limit of ${most}`);
    return readAll(handle, { expected: facts.size, most }) ?? refuse(`it has more than the limit of ${most} bytes`);
  } catch (error) {
    if (error instanceof InputError) throw error;
    return refuse(error instanceof Error ? error.message : String(error));
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

/**
 * The first bytes of a regular file, or all bytes of a shorter one.
 * @throws InputError if it cannot be read.
 */
export function readStart(file: string, most: number): Uint8Array {
  try {
    const handle = openSync(file, READ);
    try {
      const start = new Uint8Array(most);
      return start.subarray(0, fstatSync(handle).isFile() ? readSync(handle, start, 0, most, 0) : 0);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    throw new InputError(`${file}: cannot be read (${error instanceof Error ? error.message : error})`);
  }
}

/** Whether a regular file is at a path, or a link leads to one; false for links to nothing and in circles. */
export function isRegularFile(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch {
    return false;
  }
}

/** Whether a folder is at a path, or a link leads to one; false for what cannot be looked at. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
  }
}

/**
 * The text of a regular file in UTF-8.
 * @throws InputError as `readBytes`.
 */
export function readTextFile(file: string, most = MOST_TEXT): string {
  return readBytes(file, most).toString("utf8");
}

/**
 * The text of a small file, at most 64 MiB; undefined if it does not exist.
 * @throws InputError as `readBytes`.
 */
export function readTextIfThere(file: string): string | undefined {
  return existsSync(file) ? readTextFile(file, 2 ** 26) : undefined;
}

/** Undefined if there are more bytes than the limit: files may grow while they are read. */
function readAll(handle: number, { expected, most }: { expected: number; most: number }): Buffer | undefined {
  const parts: Buffer[] = [];
  let held = 0;
  for (;;) {
    const part = Buffer.allocUnsafe(Math.min(Math.max(expected - held + 1, 4096), 2 ** 26));
    const read = readSync(handle, part, 0, part.length, null);
    if (read === 0) return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    held += read;
    if (held > most) return undefined;
    parts.push(part.subarray(0, read));
  }
}

/**
 * The path of a file that data names in a folder, or undefined if it does not exist. Links are resolved first: their target must be a
 * regular file inside the folder (which may itself be a link). An absolute name is used unchanged if it is inside.
 * @throws InputError if the name is outside the folder, or is not a regular file.
 */
export function fileWithin(folder: string, name: string): string | undefined {
  const outside = (): never => {
    throw new InputError(
      `${name.replaceAll("\0", "\\0")}: is outside ${folder}, and only files inside it are read; give the folder that contains it`,
    );
  };
  if (name.includes("\0")) outside();
  const path = isAbsolute(name) && isInside(resolve(folder), resolve(name)) ? name : join(folder, name);
  if (!isInside(resolve(folder), resolve(path))) outside();
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    const facts = found?.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false }) : found;
    if (!found || !facts) return undefined;
    // For a file that is not a link, the real path of its folder is enough, and many files have the same folder.
    const real = found.isSymbolicLink() ? realpathSync.native(path) : realOf(dirname(path));
    if (!isInside(realOf(folder), real)) outside();
    if (!facts.isFile()) throw new InputError(`${path}: is not a regular file; save it to a file`);
    return path;
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${path}: cannot be read (${error instanceof Error ? error.message : error})`);
  }
}

/** Whether a path is the folder itself or inside it; both are absolute. */
function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Real paths of folders, cached. */
const realFolders = new Map<string, string>();
const MOST_FOLDERS = 1000;

function realOf(folder: string): string {
  const found = realFolders.get(folder);
  if (found !== undefined) return found;
  if (realFolders.size >= MOST_FOLDERS) realFolders.clear();
  const real = realpathSync.native(folder);
  realFolders.set(folder, real);
  return real;
}
