/** Where a run's batches and scores come from: which composer, what it is told, how it is evaluated. */

import { join } from "node:path";
import type { Evaluation } from "../../engine/train.ts";
import type { Glip } from "../../models/glip.ts";
import { moduleBeside } from "../../onnx/start-worker.ts";
import type { BatchSetup } from "../../tasks/grounding/assemble-batch.ts";
import type { DatasetComposerSetup } from "../../tasks/grounding/dataset-composer.ts";
import type { SceneComposerSetup } from "../../tasks/grounding/scene-composer.ts";
import { datasetEvaluation } from "./dataset-evaluation.ts";
import type { Recipe } from "./recipe.ts";
import { sceneEvaluation } from "./scene-evaluation.ts";

export interface DataOfRun {
  /** For `workerBatchSource`. */
  module: URL;
  setup: SceneComposerSetup | DatasetComposerSetup;
  evaluation: Evaluation | undefined;
}

/** `sprites` is the folder of rendered drawings. */
export async function dataOfRun(recipe: Recipe, model: Glip, sprites: string): Promise<DataOfRun> {
  const { data, seed } = recipe;
  const { pictures, sizes, tokens } = data;
  const { maxTokens } = recipe.model;
  const shared: BatchSetup = { vocabulary: join(recipe.words, "vocab.txt"), seed, pictures, sizes, tokens, maxTokens };
  if (data.kind === "datasets") {
    const { sources, longest, flip, negatives, heldOut } = data;
    return {
      module: moduleBeside("../../tasks/grounding/dataset-composer", import.meta.url),
      setup: { ...shared, sources, longest, flip, negatives },
      evaluation: heldOut && (await datasetEvaluation(recipe, data, heldOut, model)),
    };
  }
  const { names, models, grounds, objects, smallest, sentences, listed } = data;
  return {
    module: moduleBeside("../../tasks/grounding/scene-composer", import.meta.url),
    setup: {
      ...shared,
      sprites,
      world: { split: "train", models, grounds, ...(names ? { names } : {}) },
      scene: { objects, smallest },
      sentences,
      names: listed,
    },
    evaluation: sceneEvaluation(recipe, data, model, sprites),
  };
}
