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
import { appendFile, type FileHandle, lstat, mkdir, mkdtemp, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { deleteLeftoverFolders, temporarySuffix } from "./temporary-folders.ts";
import { writing, writingNow } from "./writing.ts";

/** Does not follow links; Windows has no such flag. */
const NO_LINK = constants.O_NOFOLLOW ?? 0;
/** Creates a file, and never opens an existing one. */
const NEW = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | NO_LINK;
/** File systems allow names of at most 255 bytes. */
const LONGEST_STEM = 60;

/** An unpredictable name in the folder of `file`; it ends in `.part`. */
export function temporaryName(file: string): string {
  return join(dirname(file), `${stem(file)}.${randomBytes(12).toString("hex")}.part`);
}

/** Opens a new file for reading and writing. Fails if the name exists, even as a link. */
export function openNew(file: string): Promise<FileHandle> {
  return open(file, NEW);
}

/** The synchronous version; returns a descriptor. */
export function openNewNow(file: string): number {
  return openSync(file, NEW);
}

/**
 * Opens an incomplete file with a known name to continue it, or a new one; returns a descriptor.
 * @throws InputError if it is a link or not a regular file.
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

/** The same; returns a file handle. */
export async function openPart(file: string): Promise<FileHandle> {
  // Created or refused by openPartNow; if something replaces it before it is opened again, that must not be a link either.
  closeSync(openPartNow(file));
  return writing(file, () => open(file, constants.O_RDWR | NO_LINK | (constants.O_NONBLOCK ?? 0)));
}

/**
 * Writes a file, which gets its name when it is complete; missing folders are created. `content` is the whole content, or a function that
 * writes into an open file. Content from a function is flushed to the disk before the file gets its name.
 * @throws InputError that names the file and how to fix the problem if the system refuses. After any error, the incomplete file is removed.
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

/** Writes a file at a path in a folder, which appears when it is complete; returns its path. */
export async function writeInto(folder: string, path: string, content: string | Uint8Array): Promise<string> {
  const file = join(folder, path);
  await writeWhole(file, content);
  return file;
}

/** The same for writers that need a path: `write` creates a new file at the given path (see `openNew`). */
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

/**
 * Starts a file that grows under its name, such as results that are read while they come: replaces a file or a link, never what the link
 * leads to. `append` adds to it.
 * @throws InputError as `writeWhole`.
 */
export function startGrowing(file: string, text: string): Promise<{ append: (more: string) => Promise<void> }> {
  const APPEND = constants.O_WRONLY | constants.O_APPEND | NO_LINK;
  return writing(file, async () => {
    refuseOther(file, "file");
    await mkdir(dirname(file), { recursive: true });
    await rm(file, { force: true });
    const handle = await openNew(file);
    await handle.writeFile(text).finally(() => handle.close());
    return { append: (more) => writing(file, () => appendFile(file, more, { flag: APPEND })) };
  });
}

/** The synchronous version of `writeWhole`. */
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
 * Writes a folder, which gets its name when it is complete: `fill` writes into a new folder next to it. An existing folder is replaced, and
 * stays if `fill` fails. Leftovers of killed processes are deleted.
 */
export async function writeWholeFolder(folder: string, fill: (draft: string) => Promise<void>): Promise<void> {
  // "models/mine/" and "." have a last name only after they are resolved.
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

/** Fails if a file would replace a folder, a device or a pipe, or a folder would replace a file. */
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
