/** The number of steps and the learning rate of an adaptation (GLIP `tools/finetune.py`). */

import { EarlyStop } from "../../learning/early-stop.ts";
import { Plateau } from "../../learning/plateau.ts";
import { cosine, withWarmup } from "../../learning/schedules.ts";
import type { Evaluation, TrainingOptions } from "../../learning/train.ts";
import type { TrainingListener } from "../../learning/training-listener.ts";
import type { StoredModel } from "../../tasks/finding/model-folder.ts";
import { datasetEvaluation } from "../training/dataset-evaluation.ts";
import type { AdaptationRequest } from "./adaptation-request.ts";
import type { Learnable } from "./learnable.ts";

/** Minimum number of steps between evaluations, so that training takes more time than scoring. */
const LEAST_EPOCH = 20;

/** Steps per epoch. Few pictures are repeated within an epoch (GLIP `shot_epochs_copy`); an epoch has at least `LEAST_EPOCH` steps. */
function epochSteps(pictures: number, { shots, pictures: batch = 4 }: AdaptationRequest): number {
  const copies = shots === undefined || shots > 5 ? 1 : shots > 3 ? 2 : shots > 1 ? 4 : 8;
  return Math.max(LEAST_EPOCH, Math.ceil((copies * pictures) / batch));
}

/** The options of `train` for the number of steps and the learning rate. */
export interface AdaptationSchedule
  extends Pick<TrainingOptions<unknown>, "totalSteps" | "learningRate" | "evaluation" | "restorables"> {
  listeners: readonly TrainingListener[];
  /** Stops the run when the scores no longer rise. */
  signal?: AbortSignal;
}

/** With `valid`, the scores decide, as in GLIP's recipe for ODinW. Without it, the rate is a cosine over the steps. */
export async function scheduleOf(
  request: AdaptationRequest,
  stored: StoredModel,
  { pictures, steps, weights }: { pictures: number; steps: number | undefined; weights: Learnable["weights"] },
): Promise<AdaptationSchedule> {
  const { valid, captions, shots, device, size = stored.preparation.size } = request;
  if (!valid) {
    const totalSteps = steps ?? 100;
    const learningRate = withWarmup(cosine({ totalSteps, floor: 0.01 }), { steps: Math.ceil(totalSteps / 20) });
    return { totalSteps, learningRate, listeners: [] };
  }
  const every = epochSteps(pictures, request);
  const scoring = await datasetEvaluation(
    { evaluateEvery: every, evaluatePictures: Number.POSITIVE_INFINITY, ...(device ? { device } : {}) },
    { sizes: [size.short], longest: size.max },
    { ...valid, ...(captions ? { captions } : {}) },
    stored,
  );
  const [fall, end] = shots === undefined ? [2, 4] : [3, 8];
  const plateau = new Plateau({ metric: "AP", patience: fall });
  const stop = new EarlyStop({ metric: "AP", patience: end });
  return {
    totalSteps: steps ?? 200 * every,
    learningRate: plateau.schedule,
    evaluation: {
      ...scoring,
      run: (now: Parameters<Evaluation["run"]>[0]) => scoring.run({ ...now, weights: weights(now.weights) }),
    },
    listeners: [plateau, stop],
    restorables: { plateau, stop },
    signal: stop.signal,
  };
}
