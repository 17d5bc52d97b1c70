/** Masks of boxes in a picture by the words of their labels. */

import { levelsOf } from "../../boxes/anchors.ts";
import { byMaskLevel } from "../../boxes/masks/mask-levels.ts";
import type { GlipV2 } from "../../models/glip-v2/glip-v2.ts";
import { input, type Numbers, sigmoid, type Tensor } from "../../tensor/index.ts";
import type { PartRunner } from "../parts/part-runner.ts";

/** A picture's maps before fusion and its padded size, and the vectors [tokens,d] of a text. */
export interface PictureAndText {
  readonly maps: readonly Float32Array[];
  readonly height: number;
  readonly width: number;
  readonly vectors: Float32Array;
  readonly tokens: number;
}

/** Boxes xyxy [p,4] in pixels of the prepared picture, and the tokens of each one's label. */
export interface NamedBoxes {
  readonly boxes: Float32Array;
  readonly tokens: readonly (readonly number[])[];
}

/** Probabilities [p,28,28] of the pixels of each box. The model must have a mask head. */
export async function masksOfBoxes(
  model: GlipV2,
  parts: PartRunner,
  seen: PictureAndText,
  { boxes, tokens }: NamedBoxes,
): Promise<Float32Array> {
  const p = tokens.length;
  if (p === 0) return new Float32Array(0);
  const sorted = byMaskLevel(boxes, new Uint8Array(p));
  const shares = new Float32Array(p * seen.tokens);
  tokens.forEach((own, i) => {
    for (const token of own) shares[i * seen.tokens + token] = 1 / own.length;
  });
  const feeds: Record<string, Numbers> = {
    ...{ vectors: seen.vectors, mask: new Float32Array(seen.tokens).fill(1), shares },
    ...{ order: sorted.order, pictures: new BigInt64Array(p) },
  };
  seen.maps.forEach((map, i) => {
    feeds[`map.${i}`] = map;
  });
  sorted.levels.forEach((level, i) => {
    feeds[`boxes.${i}`] = level.boxes;
    feeds[`pictures.${i}`] = level.pictures;
  });
  const counts = sorted.levels.map(({ pictures }) => pictures.length);
  const key = `masks ${seen.height} ${seen.width} ${seen.tokens} ${counts}`;
  const { masks } = await parts.run(key, () => maskOutputs(model, seen, counts), feeds);
  return masks as Float32Array;
}

function maskOutputs(
  model: GlipV2,
  { height, width, tokens }: PictureAndText,
  counts: readonly number[],
): Record<string, Tensor> {
  const head = model.masks!;
  const p = counts.reduce((sum, count) => sum + count, 0);
  const maps = levelsOf(height, width).map((size, i) =>
    input(`map.${i}`, [1, model.channels, size.height, size.width]),
  );
  const fused = model.tower.both(maps, input("vectors", [1, tokens, model.textWidth]), input("mask", [1, tokens]));
  const levels = counts.map((count, i) => ({
    boxes: input(`boxes.${i}`, [count, 4]),
    pictures: input(`pictures.${i}`, [count], "int64"),
  }));
  const pixels = head.pixels(head.cut(fused.maps, levels, input("order", [p], "int64")));
  const of = { words: fused.words, pictures: input("pictures", [p], "int64"), shares: input("shares", [p, tokens]) };
  return { masks: sigmoid(head.logits(pixels, of)) };
}
