/** Scores during training on datasets: COCO's average precision of the averaged weights on pictures kept from training. */

import { readCocoAnnotations } from "../../data/readers/coco-files.ts";
import type { CocoDetection } from "../../data/readers/coco-records.ts";
import { annotationFile } from "../../data/readers/formats.ts";
import type { SourceFiles } from "../../data/training/sources.ts";
import { answerOf } from "../../evaluation/detector.ts";
import { planEvaluation } from "../../evaluation/plans.ts";
import type { ClassPrompt } from "../../inputs/words/prompts.ts";
import type { Evaluation } from "../../learning/train.ts";
import { evaluateCoco, summarizeCoco } from "../../metrics/coco.ts";
import { GroundingModel } from "../../tasks/finding/grounding-model.ts";
import { Predictor } from "../../tasks/finding/predictor.ts";
import type { ModelOfRun } from "./model-of-run.ts";
import type { DatasetsData, Recipe } from "./recipe.ts";

/**
 * Asks for all classes on the first pictures of the annotations, as `groundling eval` does; the best weights have the highest AP.
 * Throws InputError at once where annotations or pictures are missing or malformed.
 */
export async function datasetEvaluation(
  recipe: Pick<Recipe, "evaluateEvery" | "evaluatePictures">,
  { sizes, longest }: Pick<DatasetsData, "sizes" | "longest">,
  files: SourceFiles & { captions?: readonly ClassPrompt[] },
  { model, words }: Pick<ModelOfRun, "model" | "words">,
): Promise<Evaluation> {
  const size = { short: Math.max(...sizes), max: longest };
  const truth = readCocoAnnotations(annotationFile(files.data));
  const { plans } = await planEvaluation({ ...files, subset: "", protocol: "coco", options: {} }, "");
  const { questions, records } = plans[0]!;
  const imgIds = truth.images.slice(0, recipe.evaluatePictures).map(({ id }) => id);
  return {
    every: recipe.evaluateEvery,
    best: "AP",
    run: async ({ weights, average }) => {
      const grounding = new GroundingModel(new Predictor(model, average ?? weights, { threads: 1 }), words, size);
      try {
        const detections: object[] = [];
        for (const [i, question] of questions.slice(0, imgIds.length).entries())
          detections.push(...records(i, await answerOf(grounding, question)));
        const { AP, AP50, AR100 } = summarizeCoco(evaluateCoco(truth, detections as CocoDetection[], { imgIds }));
        return { AP, AP50, AR100 };
      } finally {
        await grounding.dispose();
      }
    },
  };
}
