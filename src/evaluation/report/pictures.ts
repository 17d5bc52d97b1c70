/** Pictures for mistakes: a crop around the box, or a blank background if there is no picture. */

import type { CocoImage } from "../../data/readers/coco-records.ts";
import { pictureIn } from "../../data/readers/folders.ts";
import { pictureAt } from "../../data/readers/tar-pictures.ts";
import { InputError } from "../../errors.ts";
import { isBitmap } from "../../inputs/pictures/bitmap.ts";
import { decodePicture } from "../../inputs/pictures/picture.ts";
import { readPictureFile } from "../../inputs/pictures/picture-file.ts";
import { sharp } from "../../inputs/pictures/sharp.ts";
import type { Mistake } from "../../metrics/mistakes.ts";

/** A crop in picture pixels, and its pixels as a data URL if the picture was found. */
export interface Cut {
  left: number;
  top: number;
  width: number;
  height: number;
  address?: string;
  /** Why there are no pixels. */
  missing?: string;
}

const longestSide = 320;

/** Crops around a box (and the nearest one of the other side), with a margin of half its size. */
export async function cutOut(mistake: Mistake, image: CocoImage | undefined, folder: string | undefined): Promise<Cut> {
  const boxes = [mistake.xywh, ...(mistake.nearest ? [mistake.nearest.xywh] : [])];
  const side = (of: (box: number[]) => number, choose: (...values: number[]) => number) => choose(...boxes.map(of));
  const [x0, y0] = [side((b) => b[0]!, Math.min), side((b) => b[1]!, Math.min)];
  const [x1, y1] = [side((b) => b[0]! + b[2]!, Math.max), side((b) => b[1]! + b[3]!, Math.max)];
  const margin = 12 + 0.5 * Math.max(mistake.xywh[2]!, mistake.xywh[3]!);
  const right = Math.min(x1 + margin, image?.width ?? x1 + margin);
  const bottom = Math.min(y1 + margin, image?.height ?? y1 + margin);
  const [left, top] = [Math.max(0, Math.floor(x0 - margin)), Math.max(0, Math.floor(y0 - margin))];
  const cut = { left, top, width: Math.max(1, Math.ceil(right) - left), height: Math.max(1, Math.ceil(bottom) - top) };
  const name = image?.file_name;
  if (folder === undefined || name === undefined) return { ...cut, missing: "the folder of the pictures is not known" };
  try {
    const file = pictureIn(folder, name);
    if (file === undefined) return { ...cut, missing: `${name} is not in ${folder}` };
    const pixels = await pixelsOf(file, name, cut);
    return { ...cut, address: `data:image/jpeg;base64,${pixels.toString("base64")}` };
  } catch (error) {
    // The boxes are shown without it.
    return { ...cut, missing: error instanceof Error ? error.message.split("\n", 1)[0]! : String(error) };
  }
}

/**
 * A JPEG of the crop.
 * @throws InputError if the picture is smaller than in its annotations.
 */
async function pixelsOf(path: string, name: string, { left, top, width, height }: Cut): Promise<Buffer> {
  const inTar = pictureAt(path);
  const bytes = typeof inTar === "string" ? (await readPictureFile(path)).bytes : inTar;
  const opened = isBitmap(bytes) ? await bitmapOf(bytes) : sharp(bytes).rotate();
  const { autoOrient, ...stored } = await opened.metadata();
  const size = isBitmap(bytes) ? stored : autoOrient;
  if (left + width > size.width || top + height > size.height)
    throw new InputError(`${name} has ${size.width} × ${size.height} pixels, fewer than the annotations have`);
  return opened
    .extract({ left, top, width, height })
    .resize(longestSide, longestSide, { fit: "inside", withoutEnlargement: false })
    .jpeg({ quality: 70 })
    .toBuffer();
}

async function bitmapOf(bytes: Buffer) {
  const { data, width, height } = await decodePicture(bytes);
  return sharp(data, { raw: { width, height, channels: 3 } });
}
