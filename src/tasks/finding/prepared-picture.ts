/** A picture as a model takes it, made where there is time: in the model's own thread or in one beside it. */

import type { PicturePreparation, SizeRule } from "../../inputs/pictures/preparation.ts";
import { type PreparedImage, prepareImage } from "../../inputs/pictures/prepare-image.ts";
import type { Picture, Size } from "../../inputs/pictures/resize.ts";

/** What a model, and what answers beside it, want made of pictures, by who looks at it; plain data, which crosses to threads. */
export type Preparations = { readonly model: PicturePreparation } & Readonly<
  Record<string, PicturePreparation<SizeRule | Size>>
>;

/** A picture that was decoded, resized and normalised beforehand, perhaps in another thread. */
export interface PreparedPicture {
  /** By who looks at it. */
  readonly images: { readonly model: PreparedImage } & Readonly<Record<string, PreparedImage>>;
  /** Of the picture as it was given, in pixels. */
  readonly width: number;
  readonly height: number;
}

/** Throws InputError where the picture would become too large. */
export function preparePicture(picture: Picture, { model, ...others }: Preparations): PreparedPicture {
  const { width, height } = picture;
  const beside = Object.entries(others).map(
    ([name, preparation]) => [name, prepareImage(picture, preparation)] as const,
  );
  return { images: { model: prepareImage(picture, model), ...Object.fromEntries(beside) }, width, height };
}
