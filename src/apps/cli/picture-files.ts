/** Pictures named on the command line: files, folders, globs and addresses. */

import { existsSync, statSync } from "node:fs";
import { basename, extname, join } from "node:path";
import fastGlob from "fast-glob";
import { InputError } from "../../errors.ts";
import { filesUnder } from "../../files/walk.ts";
import { addressOf } from "../../inputs/pictures/picture-address.ts";

export interface PictureFile {
  readonly source: string | URL;
  /** As the user named it. */
  readonly image: string;
  /** Path without ending for files about this picture. */
  readonly name: string;
}

const ENDINGS = "jpg,jpeg,png,webp,gif,tif,tiff,avif,heic,jp2,jxl,bmp";
const KNOWN: ReadonlySet<string> = new Set(ENDINGS.split(","));

/** Lists the pictures in the order given, those of a folder by name. Throws InputError for folders and globs without any. */
export function pictureFiles(named: readonly string[]): PictureFile[] {
  return named.flatMap((one) => {
    const address = addressOf(one);
    if (address) return [picture(address, one, address.protocol === "data:" ? "" : basename(address.pathname))];
    if (existsSync(one) && statSync(one).isDirectory()) return inFolder(one);
    if (!existsSync(one) && fastGlob.isDynamicPattern(one)) return matching(one);
    // A file that is not there is reported in its turn, like one that cannot be read.
    return [picture(one, one, basename(one))];
  });
}

/** Throws InputError where two pictures would write the same files. */
export function refuseSharedNames(files: readonly PictureFile[]): void {
  const first = new Map<string, string>();
  for (const { name, image } of files) {
    const other = first.get(name);
    if (other !== undefined)
      throw new InputError(`${other} and ${image} would both be written as ${name}; take them in turn, or rename one`);
    first.set(name, image);
  }
}

function picture(source: string | URL, image: string, path: string): PictureFile {
  return { source, image, name: path.slice(0, path.length - extname(path).length) || "picture" };
}

function inFolder(folder: string): PictureFile[] {
  const paths = filesUnder(folder)
    .filter((path) => KNOWN.has(extname(path).slice(1).toLowerCase()))
    .sort();
  if (paths.length === 0)
    throw new InputError(`${folder}: no pictures in this folder (${ENDINGS.replaceAll(",", ", ")})`);
  return paths.map((path) => picture(join(folder, path), join(folder, path), path));
}

function matching(glob: string): PictureFile[] {
  const paths = fastGlob.sync(glob).sort();
  if (paths.length === 0) throw new InputError(`${glob}: no file matches`);
  return paths.map((path) => picture(path, path, basename(path)));
}
