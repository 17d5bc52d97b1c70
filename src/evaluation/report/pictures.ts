/** Pictures of mistakes: a crop around the box, or a blank background where there is no picture. */
import sharp from "sharp";
import type { CocoImage } from "../../data/readers/coco-records.ts";
import { pictureIn } from "../../data/readers/folders.ts";
import { readPictureFile } from "../../inputs/pictures/picture-file.ts";
import type { Mistake } from "../../metrics/mistakes.ts";

/** A crop in picture pixels, and its pixels as a data URL if the picture was found. */
export interface Cut {
  left: number;
  top: number;
  width: number;
  height: number;
  address?: string;
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
  if (folder === undefined || name === undefined) return cut;
  try {
    const file = pictureIn(folder, name);
    if (file === undefined) return cut;
    const { bytes } = await readPictureFile(file);
    const pixels = await sharp(bytes)
      .rotate()
      .extract(cut)
      .resize(longestSide, longestSide, { fit: "inside", withoutEnlargement: false })
      .jpeg({ quality: 70 })
      .toBuffer();
    return { ...cut, address: `data:image/jpeg;base64,${pixels.toString("base64")}` };
  } catch {
    // The picture is missing, outside the folder or of another size than annotated: show the boxes without it.
    return cut;
  }
}
