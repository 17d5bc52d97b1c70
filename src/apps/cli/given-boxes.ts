/** Boxes that a user gives: a list for one picture, or a COCO file. */

import { basename } from "node:path";
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";
import type { Box } from "../../tasks/finding/detection.ts";

const MOST_BYTES = 2 ** 28;
const xywh = z.tuple([z.number(), z.number(), z.number().positive(), z.number().positive()]);
const id = z.union([z.number(), z.string()]);
const schema = z.union([
  z.array(xywh).min(1).max(100_000),
  z.looseObject({
    images: z.array(z.looseObject({ id, file_name: z.string() })),
    annotations: z.array(z.looseObject({ image_id: id, bbox: xywh })),
  }),
]);

export interface GivenBoxes {
  readonly file: string;
  /** Of a picture by its file name, or of the only picture. */
  readonly byName?: ReadonlyMap<string, readonly Box[]>;
  readonly all?: readonly Box[];
}

/** Reads boxes [x, y, width, height] in pixels. Throws InputError that names the file if it is malformed, or a list for several pictures. */
export function readGivenBoxes(file: string, pictures: number): GivenBoxes {
  let raw: unknown;
  try {
    raw = JSON.parse(readTextFile(file, MOST_BYTES));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${file}: not JSON (${error instanceof Error ? error.message : error})`);
  }
  const checked = schema.safeParse(raw);
  if (!checked.success)
    throw new InputError(
      `${file}: holds no boxes; write [[x, y, width, height], …] in pixels for one picture, or a COCO file with images and annotations`,
    );
  if (Array.isArray(checked.data)) {
    if (pictures === 1) return { file, all: checked.data.map(boxOf) };
    throw new InputError(`${file}: is a list for one picture; give one picture, or boxes in a COCO file`);
  }
  const { images, annotations } = checked.data;
  const byId = new Map<string, Box[]>(images.map((image) => [String(image.id), []]));
  for (const { image_id, bbox } of annotations) byId.get(String(image_id))?.push(boxOf(bbox));
  return { file, byName: new Map(images.map((image) => [image.file_name, byId.get(String(image.id))!])) };
}

/** Throws InputError if the file has no boxes for the picture. */
export function boxesOfPicture({ file, all, byName }: GivenBoxes, image: string): readonly Box[] {
  const found = all ?? byName?.get(image) ?? byName?.get(basename(image));
  if (found && found.length > 0) return found;
  throw new InputError(`${file}: has no boxes for ${image}`);
}

function boxOf([x, y, width, height]: readonly [number, number, number, number]): Box {
  return { xmin: x, ymin: y, xmax: x + width, ymax: y + height };
}
