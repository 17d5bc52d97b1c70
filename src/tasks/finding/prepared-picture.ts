/** A picture as a model takes it, made where there is time: in the model's own thread or in one beside it. */

import { type PreparedImage, prepareImage, prepareSquare, type SizeRule } from "../../inputs/pictures/prepare-image.ts";
import type { Picture } from "../../inputs/pictures/resize.ts";
import { SSD_SIDE } from "../../models/coco-ssd/coco-ssd.ts";

/** What a model wants made of pictures. */
export interface Preparation {
  size: SizeRule;
  /** Whether it has a companion, which looks at squares. */
  square: boolean;
}

/** A picture that was decoded, resized and normalised beforehand, perhaps in another thread. */
export interface PreparedPicture {
  readonly prepared: PreparedImage;
  /** Stretched to the side of a COCO-SSD, for a model with a companion. */
  readonly square?: Float32Array;
  /** Of the picture as it was given, in pixels. */
  readonly width: number;
  readonly height: number;
}

/** Throws InputError where the picture would become too large. */
export function preparePicture(picture: Picture, { size, square }: Preparation): PreparedPicture {
  const { width, height } = picture;
  const prepared = prepareImage(picture, size);
  return { prepared, width, height, ...(square ? { square: prepareSquare(picture, SSD_SIDE) } : {}) };
}
