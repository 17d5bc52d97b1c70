/** Scores during training on datasets: COCO's average precision of the averaged weights on validation pictures. */

import type { CocoDetection } from "../../data/readers/coco-records.ts";
import { readGroundTruth } from "../../data/readers/ground-truth.ts";
import type { SourceFiles } from "../../data/training/sources.ts";
import { answerOf } from "../../evaluation/detector.ts";
import { planClasses } from "../../evaluation/protocols/class-requests.ts";
import { decodePicture } from "../../inputs/pictures/picture.ts";
import type { ClassPrompt } from "../../inputs/words/prompts.ts";
import { Interrupted } from "../../learning/interruption.ts";
import type { Evaluation } from "../../learning/train.ts";
import { evaluateCoco, summarizeCoco } from "../../metrics/coco.ts";
import type { Device } from "../../onnx/devices.ts";
import { GroundingModel } from "../../tasks/finding/grounding-model.ts";
import { Predictor } from "../../tasks/finding/predictor.ts";
import type { ModelOfRun } from "./model-of-run.ts";
import type { DatasetsData, Recipe } from "./recipe.ts";

export interface EvaluationWatch {
  /** Called with the number of pictures done. */
  progress?: (done: number, total: number) => void;
  /** Stops the evaluation after the current picture. */
  signal?: AbortSignal | undefined;
  /** Where the model runs (default: cpu). */
  device?: Device;
}

/**
 * Detects all classes in the first pictures of the annotations, as `groundling eval` does; the best weights have the highest AP.
 * Throws InputError at once if annotations or pictures are missing or malformed. An evaluation throws Interrupted after `signal`.
 */
export async function datasetEvaluation(
  recipe: Pick<Recipe, "evaluateEvery" | "evaluatePictures"> & EvaluationWatch,
  { sizes, longest }: Pick<DatasetsData, "sizes" | "longest">,
  files: SourceFiles & { captions?: readonly ClassPrompt[] },
  { model, words, preparation }: Pick<ModelOfRun, "model" | "words" | "preparation">,
): Promise<Evaluation> {
  const { device } = recipe;
  const size = { short: Math.max(...sizes), max: longest };
  const { truth } = await readGroundTruth(files.data, files);
  const { requests: questions, records } = await planClasses({ ...files, subset: "", options: {} }, "");
  const imgIds = truth.images.slice(0, recipe.evaluatePictures).map(({ id }) => id);
  return {
    every: recipe.evaluateEvery,
    best: "AP",
    run: async ({ weights, average }) => {
      const predictor = new Predictor(model, average ?? weights, { threads: 1, ...(device ? { device } : {}) });
      const grounding = new GroundingModel(predictor, words, { ...preparation, size }, { decode: decodePicture });
      try {
        const detections: object[] = [];
        recipe.progress?.(0, imgIds.length);
        for (const [i, question] of questions.slice(0, imgIds.length).entries()) {
          if (recipe.signal?.aborted) throw new Interrupted("interrupted while scoring");
          detections.push(...records(i, await answerOf(grounding, question)));
          recipe.progress?.(i + 1, imgIds.length);
        }
        const { AP, AP50, AR100 } = summarizeCoco(evaluateCoco(truth, detections as CocoDetection[], { imgIds }));
        return { AP, AP50, AR100 };
      } finally {
        await grounding.dispose();
      }
    },
  };
}
