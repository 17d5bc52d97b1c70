/** Regions that are like an example: their scores are cosines with its vector. */

import { applyDeltas, clipBoxes, REGION_DELTAS } from "../../boxes/box-deltas.ts";
import { suppress } from "../../boxes/suppression.ts";
import { InputError } from "../../errors.ts";
import type { PictureSource } from "../../inputs/pictures/picture-source.ts";
import type { Size } from "../../inputs/pictures/resize.ts";
import { dot, meanOf, toUnit, type UnitVector } from "../classifying/unit-vectors.ts";
import type { Box } from "../finding/detection.ts";
import type { Found } from "./found-regions.ts";

/** A thing in a picture, to find others like it. */
export interface Example {
  image: PictureSource;
  /** In pixels of the picture. */
  box: Box;
}

/** What to look for: examples, and words if they have a weight. */
export interface Likeness {
  examples: readonly Example[];
  /** The label of what is found. */
  label: string;
  /** The share of the label's own vector in the mean, 0 to 1 (default 0: the examples alone). */
  words?: number;
}

/** Throws InputError for a likeness without examples, or a weight out of range. */
export function checkLikeness({ examples, words = 0 }: Likeness): void {
  if (examples.length === 0) throw new InputError("there is no example; give a picture and a box at least");
  if (!(words >= 0 && words <= 1)) throw new InputError(`the weight of words is ${words}; give a number from 0 to 1`);
}

/** The mean direction of vectors of any lengths, with that of `text` mixed in by its weight. */
export function mixedVector(examples: readonly Float32Array[], text: Float32Array | undefined, weight: number) {
  const mean = toUnit(meanOf(examples.map(toUnit)));
  if (!text || weight === 0) return mean;
  const words = toUnit(text);
  return toUnit(mean.map((value, i) => (1 - weight) * value + weight * words[i]!));
}

/** Regions of one picture. */
interface Candidates {
  /** xyxy [r,4] in pixels of `size`. */
  readonly boxes: Float32Array;
  readonly size: Size;
  /** [r,width], of any length. */
  readonly vectors: Float32Array;
  /** Offsets [r,4] to better boxes, for models that move boxes alike for all classes. */
  readonly deltas?: Float32Array;
}

/** Regions by their cosine with a vector, best first, without those that overlap a better one. */
export function likeRegions(
  { boxes, size, vectors, deltas }: Candidates,
  vector: UnitVector,
  { threshold, overlap, topK }: { threshold: number; overlap: number; topK: number },
): Found[] {
  const moved = clipBoxes(deltas?.length === boxes.length ? applyDeltas(deltas, boxes, REGION_DELTAS) : boxes, size);
  const width = vector.length;
  const scores = Float32Array.from({ length: boxes.length / 4 }, (_, i) =>
    dot(toUnit(vectors.subarray(i * width, (i + 1) * width)), vector),
  );
  return Array.from(suppress(moved, scores, overlap))
    .map((region): Found => {
      return { score: scores[region]!, label: 0, region, box: moved.subarray(4 * region, 4 * region + 4) };
    })
    .filter(({ score }) => score >= threshold)
    .sort((a, b) => b.score - a.score)
    .slice(0, topK);
}
