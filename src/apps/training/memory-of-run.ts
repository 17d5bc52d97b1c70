/** Estimates the memory of a training run from its model and batch. */

import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import { resizedSize } from "../../inputs/pictures/prepare-image.ts";
import type { Size } from "../../inputs/pictures/resize.ts";
import { estimateMemory, type MemoryEstimate } from "../../learning/memory-estimate.ts";
import type { Detector } from "../../models/parts/detector.ts";
import { countOf, input, reachable } from "../../tensor/index.ts";
import type { Recipe } from "./recipe.ts";

/** Peak memory of a step divided by the size of its forward activations; measured on the first recipe with 1 to 8 pictures. */
const WAY_BACK = 0.6;
/** Batches prepared ahead of the current one. */
const AHEAD = 4;

/** A batch of the largest size. */
export interface LargestBatch {
  pictures: number;
  /** In pixels, multiples of 32. */
  height: number;
  width: number;
  tokens: number;
}

export interface TrainingMemory extends LargestBatch {
  /** Number of trained parameters. */
  trained: number;
  average: boolean;
  shards: number;
  batchesAhead: number;
}

/** The largest sides to which a batch of pictures can be padded after resizing. */
export function largestSides(pictures: readonly Size[], rule: SizeRule): Pick<LargestBatch, "height" | "width"> {
  const sides = pictures.map((picture) => resizedSize(picture, rule));
  const most = (side: "height" | "width") =>
    32 * Math.ceil(sides.reduce((largest, { [side]: length }) => Math.max(largest, length), 1) / 32);
  return { height: most("height"), width: most("width") };
}

/** The memory of a recipe's run with its largest batch. */
export function memoryOfRun(model: Detector, { data, averageDecay, shards, frozen }: Recipe): MemoryEstimate {
  const { pictures, tokens } = data;
  const height = 32 * Math.ceil(Math.max(...data.sizes) / 32);
  const width = data.kind === "datasets" ? Math.max(height, 32 * Math.ceil(data.longest / 32)) : height;
  const still = frozen.length > 0 ? new RegExp(frozen.join("|")) : undefined;
  const trained = model.parameters
    .filter(({ name }) => !still?.test(name))
    .reduce((sum, { shape }) => sum + countOf(shape), 0);
  const average = averageDecay > 0;
  return memoryOfTraining(model, { pictures, height, width, tokens, trained, average, shards, batchesAhead: AHEAD });
}

/** Counts weights, AdamW's moments, batches, and the activations kept for the backward pass. */
export function memoryOfTraining(
  model: Detector,
  { pictures, height, width, tokens, ...rest }: TrainingMemory,
): MemoryEstimate {
  const mask = input("mask", [pictures, tokens]);
  const maps = model.image(input("image", [pictures, 3, height, width]));
  const levels = model.answer(maps, model.text(input("ids", [pictures, tokens], "int64"), mask), mask);
  const kept = reachable(levels.flatMap(({ logits, offsets, centerness }) => [logits, offsets, centerness]))
    // A reshaped tensor shares its input's memory.
    .filter(({ operation }) => !["parameter", "constant", "input", "reshape"].includes(operation))
    .reduce((sum, { shape }) => sum + 4 * countOf(shape), 0);
  return estimateMemory({
    ...rest,
    parameters: model.parameters.reduce((sum, { shape }) => sum + countOf(shape), 0),
    momentsPerWeight: 2,
    accumulate: 1,
    activationBytes: WAY_BACK * kept,
    batchBytes: 4 * pictures * 3 * height * width,
  });
}
