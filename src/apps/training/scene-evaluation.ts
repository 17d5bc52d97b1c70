/** Scores during training: how well the averaged weights find things of known names in scenes that are not trained on. */

import { renderWorld } from "../../data/scenes/index.ts";
import type { Evaluation } from "../../learning/train.ts";
import type { Device } from "../../onnx/devices.ts";
import { GroundingModel } from "../../tasks/finding/grounding-model.ts";
import { Predictor } from "../../tasks/finding/predictor.ts";
import { scoreScenes } from "../../tasks/grounding/scene-scores.ts";
import type { ModelOfRun } from "./model-of-run.ts";
import type { Recipe, ScenesData } from "./recipe.ts";

const NAMES_IN_PROMPT = 8;
const THRESHOLD = 0.4;
const SEED = 5;

/** Recall, false positives per picture, and F1; the weights with the best F1 are kept. */
export async function sceneEvaluation(
  recipe: Recipe & { device?: Device },
  data: ScenesData,
  { model, words, preparation }: Pick<ModelOfRun, "model" | "words" | "preparation">,
  sprites: string,
): Promise<Evaluation> {
  const { sizes, objects, smallest, names, models, grounds } = data;
  const side = Math.max(...sizes);
  const world = await renderWorld(sprites, { split: "seen", models, grounds, ...(names ? { names } : {}) });
  const options = {
    pictures: recipe.evaluatePictures,
    seed: SEED,
    scene: { width: side, height: side, objects, smallest },
    names: NAMES_IN_PROMPT,
    threshold: THRESHOLD,
  };
  return {
    every: recipe.evaluateEvery,
    best: "f1",
    run: async ({ weights, average }) => {
      const size = { short: side, max: side };
      const predictor = new Predictor(model, average ?? weights, recipe.device ? { device: recipe.device } : {});
      const grounding = new GroundingModel(predictor, words, { ...preparation, size });
      try {
        const { found, falseAlarms, things } = await scoreScenes(grounding, world, options);
        const hits = found * things;
        return { found, falseAlarms, f1: (2 * hits) / (things + hits + falseAlarms * options.pictures) };
      } finally {
        await grounding.dispose();
      }
    },
  };
}
