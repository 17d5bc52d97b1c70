/** Folders of small files: listing and reading them in a fixed order. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { isInTar } from "./tar-pictures.ts";

const pictureEndings = new Set([".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".avif"]);

/** Whether a name ends as pictures do. */
export function isPictureName(name: string): boolean {
  return pictureEndings.has(extname(name).toLowerCase());
}

/** Names in a folder that pass a test, sorted; none where there is no such folder. */
export function namesIn(folder: string, accept: (name: string) => boolean): string[] {
  return existsSync(folder) ? readdirSync(folder).filter(accept).sort() : [];
}

/** Pictures of a folder by their name without ending. */
export function picturesByStem(folder: string): Map<string, string> {
  return new Map(namesIn(folder, isPictureName).map((name) => [basename(name, extname(name)), name]));
}

/** The first of some paths under a folder that exists. */
export function firstExisting(folder: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(folder, name)).find((path) => existsSync(path));
}

/** Where pictures lie: under a folder as they are named, in a tar there, or by their last name alone. @throws InputError that names those missing. */
export function picturesIn(folder: string, names: readonly string[]): string[] {
  const paths = names.map((name) =>
    isInTar(join(folder, name)) ? join(folder, name) : firstExisting(folder, [name, basename(name)]),
  );
  const missing = names.filter((_, place) => !paths[place]);
  if (missing.length === 0) return paths as string[];
  const shown = missing.slice(0, 3).join(", ") + (missing.length > 3 ? ", …" : "");
  const where = "say where they are with --images, in a recipe with images";
  throw new InputError(`${folder}: ${missing.length} of ${names.length} pictures are missing (${shown}); ${where}`);
}

/** A text file. @throws InputError where it cannot be read. */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new InputError(`${file}: cannot be read (${error instanceof Error ? error.message : error})`);
  }
}
