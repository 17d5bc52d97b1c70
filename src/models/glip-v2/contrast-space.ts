/** Where regions and words of different pictures are compared, both before fusion (GLIPv2, section 3.2; `rpn/loss.py`, shallow contrastive loss). */

import { filled, linear, type Scope, xavierUniform, zeros } from "../../nn/index.ts";
import {
  clamp,
  concat,
  exp,
  gather,
  normalizeLength,
  reshape,
  roiAlign,
  type Tensor,
  transpose,
} from "../../tensor/index.ts";

/** How regions and words are compared. */
export interface ContrastConfig {
  /** Length of the compared vectors; 64 as published. */
  readonly width: number;
  /** A region's feature: RoIAlign of the backbone's map at stride 16 over its anchor, or the pyramid's vector at the anchor's place. */
  readonly regions: "c4" | "fpn";
}

/** Regions and words as vectors that are compared by their cosines. */
export interface ContrastSpace {
  /** Features of r regions, see `boxRegions` and `cellRegions`, to unit vectors [r,width]. */
  regions(features: Tensor): Tensor;
  /** Text features before fusion [t,d] to unit vectors [t,width]. */
  words(features: Tensor): Tensor;
  /** What cosines are divided by, within 0.01 to 1 [1]. */
  temperature(): Tensor;
}

const FIRST_TEMPERATURE = 0.07;

/** `s` is the scope of the loss. The released code has one name for both kinds of projection; ours differ, so that a file can hold both. */
export function contrastSpace(
  s: Scope,
  { width, regions }: ContrastConfig,
  { regionWidth, textWidth }: { regionWidth: number; textWidth: number },
): ContrastSpace {
  const first = { weight: xavierUniform, bias: zeros };
  const suffix = regions === "fpn" ? "_fpn" : "";
  const region = linear(s.at(`shallow_contrastive_projection_image${suffix}`), regionWidth, width, first);
  const word = linear(s.at("shallow_contrastive_projection_text"), textWidth, width, first);
  const logScale = s.parameter("shallow_log_scale", [1], filled(Math.log(FIRST_TEMPERATURE)));
  return {
    regions: (features) => normalizeLength(region(features)),
    words: (features) => normalizeLength(word(features)),
    temperature: () => clamp(exp(logScale), 0.01, 1),
  };
}

/** Means of the backbone's map at stride 16 [n,c,h,w] over boxes xyxy [r,4], in pixels, of pictures [r] (int64): [r,c]. */
export function boxRegions(map: Tensor, boxes: Tensor, pictures: Tensor): Tensor {
  const cut = roiAlign(map, boxes, pictures, { size: [1, 1], scale: 1 / 16, samplingRatio: 0, aligned: true });
  return reshape(cut, [boxes.shape[0]!, map.shape[1]!]);
}

/** The pyramid's vectors [r,c] at cells [r] (int64), counted over the levels of a picture, then over pictures. */
export function cellRegions(maps: readonly Tensor[], cells: Tensor): Tensor {
  const [n, c] = maps[0]!.shape as readonly [number, number];
  const flat = concat(
    maps.map((map) => reshape(map, [n, c, -1])),
    2,
  );
  return gather(reshape(transpose(flat, [0, 2, 1]), [-1, c]), cells);
}
