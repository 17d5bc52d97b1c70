/** Prepares a picture for RegionCLIP's two networks. Source: detectron2 `data/transforms/augmentation_impl.py`, ResizeShortestEdge. */

import { InputError } from "../../errors.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import { CLIP_PIXELS } from "../../inputs/pictures/prepare-crop.ts";
import { type PreparedImage, prepareImage } from "../../inputs/pictures/prepare-image.ts";
import type { Picture, Size } from "../../inputs/pictures/resize.ts";
import { STAGE_STRIDES } from "../../models/parts/modified-resnet.ts";
import { LOCALISER_PIXELS } from "../../models/region-clip/localiser.ts";

/** The picture for both networks; boxes of one are boxes of the other. */
export interface RegionPicture extends Size {
  readonly recogniser: PreparedImage;
  /** Absent if boxes are given. */
  readonly localiser?: PreparedImage;
}

/** Sides of localiser pictures are multiples of this where the maps form a pyramid. */
const PYRAMID_MULTIPLE = 32;

/** Which networks the picture is for. */
export type LocaliserKind = "none" | "pyramid" | "single";

/** Throws InputError for a picture with a side too small for a map. */
export function prepareRegions(picture: Picture, rule: SizeRule, kind: LocaliserKind): RegionPicture {
  const size = shortestEdge(picture, rule);
  if (Math.min(size.width, size.height) < STAGE_STRIDES[3])
    throw new InputError(
      `a picture of ${picture.width} × ${picture.height} pixels becomes ${size.width} × ${size.height}, and the model needs ` +
        `${STAGE_STRIDES[3]} pixels at least; give a picture that is less long, or a larger size`,
    );
  const shared = { size, filter: "bilinear" } as const;
  const recogniser = prepareImage(picture, { ...shared, multiple: 1, channels: "rgb", highest: 1, ...CLIP_PIXELS });
  if (kind === "none") return { ...size, recogniser };
  const multiple = kind === "pyramid" ? PYRAMID_MULTIPLE : 1;
  return { ...size, recogniser, localiser: prepareImage(picture, { ...shared, multiple, ...LOCALISER_PIXELS }) };
}

/** The shorter side becomes `short`, unless the longer one would exceed `max`; halves are rounded up. */
function shortestEdge({ width, height }: Size, { short, max }: SizeRule): Size {
  const low = Math.min(width, height);
  let [w, h] = width < height ? [short, (short / low) * height] : [(short / low) * width, short];
  const longest = Math.max(w, h);
  if (longest > max) [w, h] = [w * (max / longest), h * (max / longest)];
  return { width: Math.floor(w + 0.5), height: Math.floor(h + 0.5) };
}
