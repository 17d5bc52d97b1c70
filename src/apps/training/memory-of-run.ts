/** Estimates the memory of a training run from its model and batch. */

import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import { resizedSize } from "../../inputs/pictures/prepare-image.ts";
import type { Size } from "../../inputs/pictures/resize.ts";
import { estimateMemory, type MemoryEstimate } from "../../learning/memory-estimate.ts";
import type { Detector } from "../../models/parts/detector.ts";
import { GroundingTrainingStep } from "../../tasks/grounding/training-step.ts";
import { countOf } from "../../tensor/index.ts";
import { lossesOf, type Recipe } from "./recipe.ts";

/** Peak memory of a step divided by that of its graph's values, as kernels have buffers of their own; measured: 1.24 to 1.36, with Swins and a MobileNet. */
const KERNELS = 1.3;
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
  /** The step that will be run. */
  step: GroundingTrainingStep;
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
export function memoryOfRun(model: Detector, recipe: Recipe): MemoryEstimate {
  const { data, averageDecay, shards, frozen } = recipe;
  const { pictures, tokens } = data;
  const height = 32 * Math.ceil(Math.max(...data.sizes) / 32);
  const width = data.kind === "datasets" ? Math.max(height, 32 * Math.ceil(data.longest / 32)) : height;
  const still = frozen.length > 0 ? new RegExp(frozen.join("|")) : undefined;
  const trained = model.parameters
    .filter(({ name }) => !still?.test(name))
    .reduce((sum, { shape }) => sum + countOf(shape), 0);
  const average = averageDecay > 0;
  const step = new GroundingTrainingStep(model, { losses: lossesOf(recipe), ...(still ? { frozen: still } : {}) });
  const batch = { pictures, height, width, tokens };
  return memoryOfTraining(model, { step, ...batch, trained, average, shards, batchesAhead: AHEAD });
}

/** Counts weights, AdamW's moments, batches, and the values that a step keeps at once. */
export function memoryOfTraining(
  model: Detector,
  { step, pictures, height, width, tokens, ...rest }: TrainingMemory,
): MemoryEstimate {
  const { shards } = rest;
  const shard = { pictures: Math.ceil(pictures / shards), height, width, tokens };
  return estimateMemory({
    ...rest,
    parameters: model.parameters.reduce((sum, { shape }) => sum + countOf(shape), 0),
    momentsPerWeight: 2,
    accumulate: 1,
    activationBytes: KERNELS * shards * step.peakBytes(shard),
    batchBytes: 4 * pictures * 3 * height * width,
  });
}
