/** Lists and reads folders of small files in a fixed order. */
import { existsSync, readdirSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { fileWithin, readTextFile } from "../../files/read-file.ts";
import { isInTar } from "./tar-pictures.ts";

const pictureEndings = new Set([".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".avif", ".bmp"]);

/** Whether a name has the extension of a picture. */
export function isPictureName(name: string): boolean {
  return pictureEndings.has(extname(name).toLowerCase());
}

/** Names in a folder that pass a test, sorted; none if the folder does not exist. */
export function namesIn(folder: string, accept: (name: string) => boolean): string[] {
  if (!existsSync(folder)) return [];
  try {
    return readdirSync(folder).filter(accept).sort();
  } catch (error) {
    throw new InputError(`${folder}: cannot be read as a folder (${error instanceof Error ? error.message : error})`);
  }
}

/** The first of some paths under a folder that exists. */
export function firstExisting(folder: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * The path of a picture named in data: in the folder, in a tar there, or by the last part of its name; undefined if it is in none.
 * @throws InputError if the name is outside the folder or is not a regular file.
 */
export function pictureIn(folder: string, name: string): string | undefined {
  const tar = /^(.*?\.tar)\/./.exec(name)?.[1];
  if (tar !== undefined && fileWithin(folder, tar) && isInTar(join(folder, name))) return join(folder, name);
  try {
    const path = fileWithin(folder, name);
    if (path !== undefined) return path;
  } catch (error) {
    // A name outside the folder may still be a picture in it, as in "../train/images/1.jpg".
    const inFolder = name.includes("\0") || basename(name) === name ? undefined : fileWithin(folder, basename(name));
    if (inFolder === undefined) throw error;
    return inFolder;
  }
  return basename(name) === "" ? undefined : fileWithin(folder, basename(name));
}

/**
 * Paths of pictures, found as by `pictureIn`.
 * @throws InputError that names the missing pictures, or one that must not be read.
 */
export function picturesIn(folder: string, names: readonly string[]): string[] {
  const paths = names.map((name) => pictureIn(folder, name));
  const missing = names.filter((_, place) => !paths[place]);
  if (missing.length === 0) return paths as string[];
  const shown = missing.slice(0, 3).join(", ") + (missing.length > 3 ? ", …" : "");
  const where = "give their folder with --images (in a recipe: images)";
  throw new InputError(`${folder}: ${missing.length} of ${names.length} pictures are missing (${shown}); ${where}`);
}

/**
 * Reads a text file.
 * @throws InputError if it cannot be read.
 */
export function readText(file: string): string {
  return readTextFile(file);
}
