/** The memory that a training run will take, from its model and what a batch holds. */

import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import { resizedSize } from "../../inputs/pictures/prepare-image.ts";
import type { Size } from "../../inputs/pictures/resize.ts";
import { estimateMemory, type MemoryEstimate } from "../../learning/memory-estimate.ts";
import type { Detector } from "../../models/parts/detector.ts";
import { countOf, input, reachable } from "../../tensor/index.ts";
import type { Recipe } from "./recipe.ts";

/** What a step takes at its widest, against what its forward pass makes; measured on the first recipe from 1 to 8 pictures. */
const WAY_BACK = 0.6;
/** Batches that wait while one is trained on. */
const AHEAD = 4;

/** What is trained on at once, at the largest size. */
export interface LargestBatch {
  pictures: number;
  /** In pixels, multiples of 32. */
  height: number;
  width: number;
  tokens: number;
}

export interface TrainingMemory extends LargestBatch {
  /** Numbers of the weights that are trained. */
  trained: number;
  average: boolean;
  shards: number;
  batchesAhead: number;
}

/** The sides that a batch of pictures may be padded to, when they are resized by a rule. */
export function largestSides(pictures: readonly Size[], rule: SizeRule): Pick<LargestBatch, "height" | "width"> {
  const sides = pictures.map((picture) => resizedSize(picture, rule));
  const most = (side: "height" | "width") =>
    32 * Math.ceil(sides.reduce((largest, { [side]: length }) => Math.max(largest, length), 1) / 32);
  return { height: most("height"), width: most("width") };
}

/** Counts what a recipe keeps and takes at its largest size. */
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

/** Counts weights, AdamW's arrays, batches, and what the forward pass keeps for the way back. */
export function memoryOfTraining(
  model: Detector,
  { pictures, height, width, tokens, ...rest }: TrainingMemory,
): MemoryEstimate {
  const mask = input("mask", [pictures, tokens]);
  const maps = model.image(input("image", [pictures, 3, height, width]));
  const levels = model.answer(maps, model.text(input("ids", [pictures, tokens], "int64"), mask), mask);
  const kept = reachable(levels.flatMap(({ logits, offsets, centerness }) => [logits, offsets, centerness]))
    // A reshaped tensor shares the numbers of the one it is made from.
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
