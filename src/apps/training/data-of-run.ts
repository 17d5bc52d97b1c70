/** The data of a run: its batch composer with setup, and its evaluation. */

import { wantIconSetsOf } from "../../data/scenes/index.ts";
import { moduleBeside } from "../../files/module-beside.ts";
import type { Evaluation } from "../../learning/train.ts";
import type { Device } from "../../onnx/devices.ts";
import type { DatasetComposerSetup } from "../../tasks/grounding/dataset-composer.ts";
import type { LossName } from "../../tasks/grounding/loss-terms.ts";
import type { SceneComposerSetup } from "../../tasks/grounding/scene-composer.ts";
import { datasetEvaluation } from "./dataset-evaluation.ts";
import type { ModelOfRun } from "./model-of-run.ts";
import { lossesOf, type Recipe } from "./recipe.ts";
import { sceneEvaluation } from "./scene-evaluation.ts";

export interface DataOfRun {
  /** For `workerBatchSource`. */
  module: URL;
  setup: SceneComposerSetup | DatasetComposerSetup;
  evaluation: Evaluation | undefined;
}

/** `sprites` is the cache folder for rendered drawings. */
export async function dataOfRun(
  recipe: Recipe & { device?: Device },
  { model, words, source, preparation }: Omit<ModelOfRun, "config">,
  sprites: string,
): Promise<DataOfRun> {
  const { data, seed } = recipe;
  const { pictures, sizes } = data;
  // Each fixed class is one token.
  const tokens = source.kind === "classes" ? source.names.length : data.tokens;
  const shared = {
    losses: Object.keys(lossesOf(recipe)) as LossName[],
    words: source,
    preparation,
    seed,
    pictures,
    sizes,
    tokens,
    maxTokens: model.maxTokens,
  };
  if (data.kind === "datasets") {
    const { sources, longest, flip, negatives, heldOut } = data;
    return {
      module: moduleBeside("../../tasks/grounding/dataset-composer", import.meta.url),
      setup: { ...shared, sources, longest, flip, negatives },
      evaluation: heldOut && (await datasetEvaluation(recipe, data, heldOut, { model, words, preparation })),
    };
  }
  const { names, models, grounds, more, objects, smallest, sentences, listed } = data;
  wantIconSetsOf(more ? { more } : {});
  return {
    module: moduleBeside("../../tasks/grounding/scene-composer", import.meta.url),
    setup: {
      ...shared,
      sprites,
      world: { split: "train", models, grounds, ...(more ? { more } : {}), ...(names ? { names } : {}) },
      scene: { objects, smallest },
      sentences,
      names: listed,
    },
    evaluation: await sceneEvaluation(recipe, data, { model, words, preparation }, sprites),
  };
}
