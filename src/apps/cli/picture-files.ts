/** Pictures on the command line: files, folders, globs, addresses, lists of these, and standard input. */

import { existsSync, statSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { readBytes } from "../../files/read-file.ts";
import { filesUnder } from "../../files/walk.ts";
import { addressOf } from "../../inputs/pictures/picture-address.ts";

export interface PictureFile {
  readonly source: string | URL | Uint8Array;
  /** As written by the user. */
  readonly image: string;
  /** Path without extension, for output files about this picture. */
  readonly name: string;
}

export interface NamedPictures {
  readonly files: readonly PictureFile[];
  /** Number of pictures in folders and globs that were skipped because `--draw` wrote them. */
  readonly drawings: number;
}

/** How pictures may be named, for the description of a command. */
export const PICTURES =
  "Pictures are files, folders, globs or URLs. @FILE is a list of these, one per line. - is a picture on standard input, and @- is a list on standard input.";

const ENDINGS = "jpg,jpeg,png,webp,gif,tif,tiff,avif,heic,jp2,jxl,bmp";
const KNOWN: ReadonlySet<string> = new Set(ENDINGS.split(","));
/** The extension of files that `--draw` writes. */
export const DRAWING = ".groundling.png";
/** Maximum size of a list, or of a picture on standard input. */
const MOST_BYTES = 512 * 2 ** 20;

/**
 * Lists the pictures in the given order; pictures of a folder are sorted by name. `-` is one picture on standard input. `@FILE` and `@-` are
 * lists with one file, folder, glob or address per line, as on the command line; paths are relative to the working folder.
 * Skips drawings by `--draw` in folders and globs. Throws InputError for folders, globs and lists without pictures.
 */
export async function picturesNamed(
  named: readonly string[],
  input: AsyncIterable<Uint8Array> = process.stdin,
): Promise<NamedPictures> {
  if (named.filter((one) => one === "-" || one === "@-").length > 1)
    throw new InputError("standard input can be read only once; give - or @- once");
  const files: PictureFile[] = [];
  let drawings = 0;
  for (const one of named) {
    if (one === "-") {
      files.push({ source: await bytesOf(input, "standard input"), image: "-", name: "stdin" });
      continue;
    }
    for (const word of one.startsWith("@") ? await linesOfList(one.slice(1), input) : [one]) {
      const found = await picturesOf(word);
      files.push(...found.files);
      drawings += found.drawings;
    }
  }
  return { files, drawings };
}

/** The picture of a command that takes one, named as for `picturesNamed`. Throws InputError where the word names several. */
export async function onePicture(word: string, input?: AsyncIterable<Uint8Array>): Promise<PictureFile["source"]> {
  const { files } = await picturesNamed([word], input);
  const [first, ...others] = files;
  if (first && others.length === 0) return first.source;
  throw new InputError(`${word}: names ${files.length} pictures, where one is taken; name it alone`);
}

/** Throws InputError if two pictures would write the same files. */
export function refuseSharedNames(files: readonly PictureFile[]): void {
  const first = new Map<string, string>();
  for (const { name, image } of files) {
    const other = first.get(name);
    if (other !== undefined)
      throw new InputError(
        `${other} and ${image} would both be written as ${name}; give the folder that contains both, run them one after the other, or rename one`,
      );
    first.set(name, image);
  }
}

async function picturesOf(word: string): Promise<NamedPictures> {
  const address = addressOf(word);
  if (address) return alone(picture(address, word, address.protocol === "data:" ? "" : basename(address.pathname)));
  if (existsSync(word) && statSync(word).isDirectory()) return inFolder(word);
  if (!existsSync(word)) {
    // Imported when needed: most pictures are named by their paths.
    const { default: fastGlob } = await import("fast-glob");
    if (fastGlob.isDynamicPattern(word)) return matching(word, fastGlob.sync(word));
  }
  // A missing file is reported later, like a file that cannot be read.
  return alone(picture(word, word, basename(word)));
}

function alone(file: PictureFile): NamedPictures {
  return { files: [file], drawings: 0 };
}

function picture(source: string | URL, image: string, path: string): PictureFile {
  return { source, image, name: path.slice(0, path.length - extname(path).length) || "picture" };
}

function inFolder(folder: string): NamedPictures {
  const paths = filesUnder(folder)
    .filter((path) => KNOWN.has(extname(path).slice(1).toLowerCase()))
    .sort();
  const found = withoutDrawings(paths, (path) => picture(join(folder, path), join(folder, path), path));
  if (found.files.length > 0) return found;
  const others = found.drawings > 0 ? `, only drawings of this program (*${DRAWING})` : "";
  throw new InputError(`${folder}: no pictures in this folder (${ENDINGS.replaceAll(",", ", ")})${others}`);
}

function matching(glob: string, paths: readonly string[]): NamedPictures {
  const found = withoutDrawings(paths.toSorted(), (path) => picture(path, path, basename(path)));
  if (found.files.length > 0) return found;
  throw new InputError(
    `${glob}: no file matches${found.drawings > 0 ? ` but drawings of this program (*${DRAWING})` : ""}`,
  );
}

function withoutDrawings(paths: readonly string[], named: (path: string) => PictureFile): NamedPictures {
  const kept = paths.filter((path) => !path.endsWith(DRAWING));
  return { files: kept.map(named), drawings: paths.length - kept.length };
}

async function linesOfList(file: string, input: AsyncIterable<Uint8Array>): Promise<string[]> {
  const name = file === "-" ? "standard input" : file;
  const text = new TextDecoder().decode(file === "-" ? await bytesOf(input, name) : bytesOfList(file));
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length === 0) throw new InputError(`${name}: the list is empty; write one picture per line`);
  return lines;
}

function bytesOfList(file: string): Uint8Array {
  try {
    return readBytes(file, MOST_BYTES);
  } catch (error) {
    throw new InputError(
      `${error instanceof Error ? error.message : error}; a list also comes on standard input (@-), and a picture with this name is ./@${file}`,
    );
  }
}

async function bytesOf(stream: AsyncIterable<Uint8Array>, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MOST_BYTES) throw new InputError(`${name}: more than ${MOST_BYTES / 2 ** 20} MB; give less`);
  }
  if (length === 0) throw new InputError(`${name}: is empty`);
  return Buffer.concat(chunks);
}
