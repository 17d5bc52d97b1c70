/** Where a run's batches and scores come from: which composer, what it is told, how it is evaluated. */

import { join } from "node:path";
import { wantIconSetsOf } from "../../data/scenes/index.ts";
import { moduleBeside } from "../../files/start-worker.ts";
import { KnownClasses } from "../../inputs/words/known-classes.ts";
import type { Evaluation } from "../../learning/train.ts";
import type { DatasetComposerSetup } from "../../tasks/grounding/dataset-composer.ts";
import type { SceneComposerSetup } from "../../tasks/grounding/scene-composer.ts";
import { datasetEvaluation } from "./dataset-evaluation.ts";
import type { ModelOfRun } from "./model-of-run.ts";
import { type Recipe, wordsOf } from "./recipe.ts";
import { sceneEvaluation } from "./scene-evaluation.ts";

export interface DataOfRun {
  /** For `workerBatchSource`. */
  module: URL;
  setup: SceneComposerSetup | DatasetComposerSetup;
  evaluation: Evaluation | undefined;
}

/** `sprites` is the folder of rendered drawings. */
export async function dataOfRun(
  recipe: Recipe,
  { model, words }: Pick<ModelOfRun, "model" | "words">,
  sprites: string,
): Promise<DataOfRun> {
  const { data, seed } = recipe;
  const { pictures, sizes, tokens } = data;
  const shared = { seed, pictures, sizes, tokens, maxTokens: model.maxTokens };
  if (data.kind === "datasets") {
    const { sources, longest, flip, negatives, heldOut } = data;
    // Each class is a token of a Dynamic Head.
    const reading =
      words instanceof KnownClasses
        ? { vocabulary: words.names, tokens: words.names.length }
        : { vocabulary: join(wordsOf(recipe), "vocab.txt") };
    return {
      module: moduleBeside("../../tasks/grounding/dataset-composer", import.meta.url),
      setup: { ...shared, ...reading, sources, longest, flip, negatives },
      evaluation: heldOut && (await datasetEvaluation(recipe, data, heldOut, { model, words })),
    };
  }
  const { names, models, grounds, more, objects, smallest, sentences, listed } = data;
  wantIconSetsOf(more ? { more } : {});
  return {
    module: moduleBeside("../../tasks/grounding/scene-composer", import.meta.url),
    setup: {
      ...shared,
      vocabulary: join(wordsOf(recipe), "vocab.txt"),
      sprites,
      world: { split: "train", models, grounds, ...(more ? { more } : {}), ...(names ? { names } : {}) },
      scene: { objects, smallest },
      sentences,
      names: listed,
      ...(recipe.contrast ? { contrast: true } : {}),
    },
    evaluation: sceneEvaluation(recipe, data, { model, words }, sprites),
  };
}
