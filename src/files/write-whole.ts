/** Writes complete files or none: under an unpredictable temporary name, renamed when the file is complete. */

import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { type FileHandle, lstat, mkdir, mkdtemp, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { deleteLeftoverFolders, temporarySuffix } from "./temporary-folders.ts";
import { writing, writingNow } from "./writing.ts";

/** Follows no link; Windows has no such flag. */
const NO_LINK = constants.O_NOFOLLOW ?? 0;
/** Creates, never opens what is there. */
const NEW = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | NO_LINK;
/** File systems take names of at most 255 bytes. */
const LONGEST_STEM = 60;

/** A name beside `file` that no one can foresee; it ends in `.part`. */
export function temporaryName(file: string): string {
  return join(dirname(file), `${stem(file)}.${randomBytes(12).toString("hex")}.part`);
}

/** Opens a new file for reading and writing. Fails where anything, a link too, has its name. */
export function openNew(file: string): Promise<FileHandle> {
  return open(file, NEW);
}

/** The same, at once: answers with a descriptor. */
export function openNewNow(file: string): number {
  return openSync(file, NEW);
}

/**
 * Opens a file of a known name that work goes on with, or a new one; answers with a descriptor.
 * @throws InputError where it is a link or no regular file.
 */
export function openPartNow(file: string): number {
  const refused = new InputError(`${file}: is a link or a special file, so it is not overwritten; remove it`);
  if (!(lstatSync(file, { throwIfNoEntry: false })?.isFile() ?? true)) throw refused;
  const handle = writingNow(file, () => {
    try {
      return openSync(file, constants.O_RDWR | constants.O_CREAT | NO_LINK | (constants.O_NONBLOCK ?? 0));
    } catch (error) {
      throw error instanceof Error && "code" in error && error.code === "ELOOP" ? refused : error;
    }
  });
  if (fstatSync(handle).isFile()) return handle;
  closeSync(handle);
  throw refused;
}

/** The same as a file handle. */
export async function openPart(file: string): Promise<FileHandle> {
  // Made, or refused, by the other; what takes its place before it is opened again must be no link either.
  closeSync(openPartNow(file));
  return writing(file, () => open(file, constants.O_RDWR | NO_LINK | (constants.O_NONBLOCK ?? 0)));
}

/**
 * Writes a file, which takes its name when it is whole; missing folders are made. `content` is all of it, or a function that writes into
 * an open file. It is flushed to the disk before it takes its name if a function wrote it.
 * @throws InputError that names the file and the mend where the system refuses. What was begun is removed after any error.
 */
export async function writeWhole(
  file: string,
  content: string | Uint8Array | ((handle: FileHandle) => Promise<void>),
): Promise<void> {
  await replaceWhole(file, async (draft) => {
    const handle = await openNew(draft);
    try {
      if (typeof content !== "function") await handle.writeFile(content);
      else {
        await content(handle);
        await handle.sync();
      }
    } finally {
      await handle.close();
    }
  });
}

/** Writes a file at a path in a folder, which appears when it is whole; answers with where it lies. */
export async function writeInto(folder: string, path: string, content: string | Uint8Array): Promise<string> {
  const file = join(folder, path);
  await writeWhole(file, content);
  return file;
}

/** The same for what can only be written by its path: `write` makes a new file at the path it is given (see `openNew`). */
export async function replaceWhole(file: string, write: (draft: string) => Promise<void> | void): Promise<void> {
  await writing(file, async () => {
    refuseOther(file, "file");
    await mkdir(dirname(file), { recursive: true });
    const draft = temporaryName(file);
    try {
      await write(draft);
      await rename(draft, file);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  });
}

/** Writes a file as `writeWhole` does, at once. */
export function writeWholeNow(file: string, content: string | Uint8Array): void {
  writingNow(file, () => {
    refuseOther(file, "file");
    mkdirSync(dirname(file), { recursive: true });
    const draft = temporaryName(file);
    try {
      const handle = openNewNow(draft);
      try {
        const bytes = typeof content === "string" ? Buffer.from(content) : content;
        for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done, bytes.length - done);
      } finally {
        closeSync(handle);
      }
      renameSync(draft, file);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    }
  });
}

/**
 * Writes a folder, which takes its name when it is whole: `fill` writes into a new folder beside it. One that is there is replaced,
 * and stays where `fill` fails. What a killed process left of the same folder is deleted.
 */
export async function writeWholeFolder(folder: string, fill: (draft: string) => Promise<void>): Promise<void> {
  // "models/mine/" and "." have their name only when resolved.
  const target = resolve(folder);
  await writing(folder, async () => {
    refuseOther(target, "folder");
    await mkdir(dirname(target), { recursive: true });
    deleteLeftoverFolders(dirname(target), stem(target));
    const draft = await mkdtemp(join(dirname(target), `${stem(target)}${temporarySuffix()}`));
    try {
      const inside = join(draft, "new");
      await mkdir(inside);
      await fill(inside);
      await moveAside(target, join(draft, "old"));
      await rename(inside, target);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  });
}

/** Refuses to put a file in the place of a folder, a device or a pipe, and a folder in that of a file. */
function refuseOther(target: string, kind: "file" | "folder"): void {
  const found = statSync(target, { throwIfNoEntry: false });
  if (!found || (kind === "file" ? found.isFile() : found.isDirectory())) return;
  const other = found.isDirectory() ? "a folder" : found.isFile() ? "a file" : "a special file";
  throw new InputError(`${target}: cannot be written: ${other} has this name; choose another name for the ${kind}`);
}

async function moveAside(target: string, place: string): Promise<void> {
  const found = await lstat(target).catch(() => undefined);
  if (found) await rename(target, place);
}

function stem(target: string): string {
  return basename(target).slice(0, LONGEST_STEM);
}
