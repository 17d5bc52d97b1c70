/** Writes datasets in other formats, with their pictures if the format is a folder. */
import { constants } from "node:fs";
import { copyFile, link, mkdir, realpath, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { writeInto, writeWhole } from "../../files/write-whole.ts";
import { writing } from "../../files/writing.ts";
import type { Dataset } from "./dataset.ts";
import { picturesIn } from "./folders.ts";
import type { WrittenPart } from "./format-row.ts";
import { formatRows, type WritableFormat } from "./formats.ts";
import { pictureAt } from "./tar-pictures.ts";

/** How the pictures of a folder format are added. Links are hard links on the same disk. */
export const pictureWays = ["copy", "link", "none"] as const;
export type PictureWay = (typeof pictureWays)[number];

/** A dataset or a split, with the folder of its pictures. */
export interface SourcePart extends WrittenPart {
  pictures: string;
}

export interface WriteRequest {
  format: WritableFormat;
  /** A file for coco, mdetr and odvg; a folder for yolo and voc. */
  path: string;
  /** For yolo and voc (default: copy). */
  pictures?: PictureWay;
}

/** What a format cannot store. */
export interface LeftOut {
  captions: number;
  /** Objects without a class. */
  objects: number;
  /** Masks of objects; the boxes are written. */
  masks: number;
  /** Objects that are written without their crowd mark. */
  crowds: number;
}

/**
 * Writes the splits of a dataset; returns what the format cannot store. Texts are written after the pictures, so that existing texts are
 * complete.
 * @throws InputError if nothing could be stored, if classes differ between splits, and if pictures are missing or names collide.
 */
export async function writeDataset(
  parts: readonly SourcePart[],
  { format, path, pictures = "copy" }: WriteRequest,
): Promise<LeftOut> {
  refuseOtherLabels(parts);
  const left = leftOut(parts, format);
  const files = formatRows[format].write!(parts);
  if (files.pictures && pictures !== "none") {
    const pairs = parts.map(({ dataset, pictures: folder }, part) =>
      picturesIn(
        folder,
        dataset.images.map(({ file }) => file),
      ).map((source, i) => ({ source, target: join(path, files.pictures![part]![i]!) })),
    );
    for (const { source, target } of pairs.flat()) await place(source, target, pictures);
  }
  for (const [file, text] of files.texts) {
    if (file === "") await writeInto(dirname(path), basename(path), text);
    else await writeInto(path, file, text);
  }
  return left;
}

function refuseOtherLabels([first, ...others]: readonly SourcePart[]): void {
  const names = ({ labels }: Dataset) => labels.map(({ name }) => name).join(", ");
  const other = others.find(({ dataset }) => names(dataset) !== names(first!.dataset));
  if (!other) return;
  throw new InputError(
    `split ${other.split} has the classes ${names(other.dataset)}, but split ${first!.split} has ${names(first!.dataset)}; write them one at a time with --split`,
  );
}

function leftOut(parts: readonly SourcePart[], format: WritableFormat): LeftOut {
  const { holds, stores = [] } = formatRows[format];
  const images = parts.flatMap(({ dataset }) => dataset.images);
  const objects = images.flatMap((image) => image.objects);
  const masks = stores.includes("mask") ? 0 : objects.filter(({ segmentation }) => segmentation).length;
  const crowds = stores.includes("crowd") ? 0 : objects.filter(({ isCrowd }) => isCrowd).length;
  if (holds !== "classes") return { captions: 0, objects: 0, masks, crowds };
  const captions = images.reduce((sum, image) => sum + image.captions.length, 0);
  const without = objects.filter(({ label }) => label === undefined).length;
  if (captions > 0 && without === objects.length)
    throw new InputError(
      `the dataset has captions but no boxes with classes, and ${format} stores only these; write mdetr or odvg`,
    );
  return { captions, objects: without, masks, crowds };
}

async function place(source: string, target: string, way: "copy" | "link"): Promise<void> {
  await writing(target, async () => {
    await mkdir(dirname(target), { recursive: true });
    const picture = pictureAt(source);
    if (typeof picture !== "string") return writeWhole(target, picture);
    if ((await realpath(picture)) === (await realpath(target).catch(() => undefined))) return;
    await rm(target, { force: true });
    if (way === "copy") return copyFile(picture, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await link(await realpath(picture), target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EXDEV" && error.code !== "EPERM") throw error;
      throw new InputError(`${target}: cannot be a link to ${picture} (${error.code}); use --pictures copy`);
    });
  });
}
