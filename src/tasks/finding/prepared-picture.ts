/** A picture prepared for a model, in the model's thread or in another. */

import type { PicturePreparation, SizeRule } from "../../inputs/pictures/preparation.ts";
import { type PreparedImage, prepareImage } from "../../inputs/pictures/prepare-image.ts";
import type { Picture, Size } from "../../inputs/pictures/resize.ts";

/** The preparations for a model and for its companion; plain data that can be sent to worker threads. */
export type Preparations = { readonly model: PicturePreparation } & Readonly<
  Record<string, PicturePreparation<SizeRule | Size>>
>;

/** A picture that is already decoded, resized and normalised. */
export interface PreparedPicture {
  /** For the model and for the companion. */
  readonly images: { readonly model: PreparedImage } & Readonly<Record<string, PreparedImage>>;
  /** Size of the original picture in pixels. */
  readonly width: number;
  readonly height: number;
}

/** Throws InputError if the prepared picture would be too large. */
export function preparePicture(picture: Picture, { model, ...others }: Preparations): PreparedPicture {
  const { width, height } = picture;
  const prepared = Object.entries(others).map(
    ([name, preparation]) => [name, prepareImage(picture, preparation)] as const,
  );
  return { images: { model: prepareImage(picture, model), ...Object.fromEntries(prepared) }, width, height };
}
