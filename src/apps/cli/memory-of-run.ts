/** The memory that a training run will take, from its model and recipe. */

import { estimateMemory, type MemoryEstimate } from "../../learning/memory-estimate.ts";
import type { Detector } from "../../models/parts/detector.ts";
import { countOf, input, reachable } from "../../tensor/index.ts";
import type { Recipe } from "../training/recipe.ts";

/** What a step takes at its widest, against what its forward pass keeps; measured on the first recipe. */
const WAY_BACK = 1.6;
/** Batches that wait while one is trained on. */
const AHEAD = 4;

/** Counts weights, AdamW's arrays, batches, and what the forward pass at the recipe's largest size keeps for the way back. */
export function memoryOfRun(model: Detector, { data, averageDecay }: Recipe): MemoryEstimate {
  const { pictures, tokens } = data;
  const side = 32 * Math.ceil(Math.max(...data.sizes) / 32);
  const length = data.kind === "datasets" ? Math.max(side, 32 * Math.ceil(data.longest / 32)) : side;
  const mask = input("mask", [pictures, tokens]);
  const maps = model.image(input("image", [pictures, 3, side, length]));
  const levels = model.answer(maps, model.text(input("ids", [pictures, tokens], "int64"), mask), mask);
  const kept = reachable(levels.flatMap(({ logits, offsets, centerness }) => [logits, offsets, centerness]))
    // A reshaped tensor shares the numbers of the one it is made from.
    .filter(({ operation }) => !["parameter", "constant", "input", "reshape"].includes(operation))
    .reduce((sum, { shape }) => sum + 4 * countOf(shape), 0);
  const parameters = model.parameters.reduce((sum, { shape }) => sum + countOf(shape), 0);
  return estimateMemory({
    parameters,
    trained: parameters,
    momentsPerWeight: 2,
    average: averageDecay > 0,
    accumulate: 1,
    activationBytes: WAY_BACK * kept,
    batchBytes: 4 * pictures * 3 * side * length,
    batchesAhead: AHEAD,
  });
}
