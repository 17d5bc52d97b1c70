/** Runs the recipe of a CLIP, and writes the best model where `loadEncoder` reads it. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../../data/random.ts";
import { moduleBeside } from "../../files/module-beside.ts";
import { writing } from "../../files/writing.ts";
import { AdamW } from "../../learning/adamw.ts";
import { workerBatchSource } from "../../learning/batch-source.ts";
import { checkpointExists } from "../../learning/checkpoint.ts";
import { curveFiles } from "../../learning/curves.ts";
import { withInterruption } from "../../learning/interruption.ts";
import { jsonLinesLog } from "../../learning/log.ts";
import { parameterGroups } from "../../learning/parameter-groups.ts";
import { cosine, withWarmup } from "../../learning/schedules.ts";
import { tensorBoardLog } from "../../learning/tensorboard.ts";
import { checkpointFile, type TrainingResult, train } from "../../learning/train.ts";
import { type Clip, clip } from "../../models/clip/clip.ts";
import { clipConfigOf } from "../../models/clip/clip-recipe.ts";
import { runningStatistics } from "../../models/parts/normed-convolution.ts";
import { type ClipBatch, ClipTrainingStep } from "../../tasks/classifying/clip-training-step.ts";
import { limitLogitScale } from "../../tasks/classifying/contrastive-loss.ts";
import type { PairComposerSetup } from "../../tasks/classifying/pair-composer.ts";
import { openWeights } from "../../weights/open-weights.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { trainingProgress } from "../progress/training-progress.ts";
import { clipEvaluation } from "./clip-evaluation.ts";
import type { ClipRecipe } from "./clip-recipe.ts";
import type { RunOptions } from "./run.ts";
import { logFile, refuseOtherRun } from "./run-folder.ts";

/** Biases, scales of norms and the scale of logits are not decayed, as in the paper. */
const UNDECAYED = /bias|ln_|bn\d|downsample\.1|logit_scale/;

/** The trained model in the folder of a run. */
export function clipFile(folder: string): string {
  return join(folder, "model.safetensors");
}

/**
 * Trains until the recipe's last step, and writes the model. An interruption saves a checkpoint and stops. Throws InputError before any
 * change if the folder contains a run and `resume` is false.
 */
export async function runClipRecipe(
  recipe: ClipRecipe,
  { folder, resume, quiet = false, ...running }: Pick<RunOptions, "folder" | "resume" | "quiet" | "device">,
): Promise<TrainingResult> {
  if (!resume) refuseOtherRun(folder);
  await writing(folder, () => mkdirSync(folder, { recursive: true }));
  const model = clip(clipConfigOf(recipe.model));
  const weights = await startWeights(model, recipe);
  const frozen = new RegExp([...recipe.frozen, runningStatistics.source].join("|"));
  const names = [...weights.keys()].filter((name) => !frozen.test(name));
  const { learningRate, weightDecay, steps } = recipe;
  const groups = parameterGroups(names, { learningRate, weightDecay, rules: [{ pattern: UNDECAYED, weightDecay: 0 }] });
  const step = new ClipTrainingStep(model, { frozen, ...running });
  const source = workerBatchSource<ClipBatch>({
    module: moduleBeside("../../tasks/classifying/pair-composer", import.meta.url),
    setup: composerSetup(recipe),
    workers: 1,
    ahead: 4,
  });
  const evaluation = await clipEvaluation({ ...recipe, ...running }, model.config);
  const log = logFile(folder);
  try {
    const result = await withInterruption((signal) =>
      train<ClipBatch>({
        weights,
        step: (current, batch) => step.run(current, batch),
        source,
        optimizer: new AdamW(groups),
        totalSteps: steps,
        learningRate: withWarmup(cosine({ totalSteps: steps, floor: 0.01 }), { steps: recipe.warmup }),
        clip: recipe.clip,
        averageDecay: recipe.averageDecay,
        pictures: (batch) => batch.pictures,
        ...(evaluation ? { evaluation } : {}),
        checkpoints: {
          folder,
          every: recipe.checkpointEvery,
          resume,
          shapes: new Map(model.parameters.map(({ name, shape }) => [name, shape])),
          recipe,
        },
        listeners: [trainingProgress({ quiet }), jsonLinesLog(log), tensorBoardLog(folder), curveFiles(log, folder)],
        signal,
      }),
    );
    if (!result.interrupted) await writeModel(model, result, folder);
    return result;
  } finally {
    await source.close();
    await step.dispose();
  }
}

function composerSetup({ seed, pictures, crop, flip, data, model }: ClipRecipe): PairComposerSetup {
  const { vocabulary, context } = model.text;
  return { pairs: data, seed, pictures, crop, flip, side: model.image.resolution, vocabulary, context };
}

/** Random weights by the seed, or those of another model. */
async function startWeights(model: Clip, { seed, from }: ClipRecipe): Promise<Map<string, Float32Array>> {
  const random = new Random(seed, "weights");
  const weights = new Map(
    model.parameters.map(({ name, shape, initialise }) => [name, initialise(shape, () => random.unit())]),
  );
  if (from === undefined) return weights;
  const file = await openWeights(from);
  try {
    for (const { name, shape } of model.parameters) {
      const entry = file.entries.get(name);
      if (entry && String(entry.shape) === String(shape)) weights.set(name, await file.readFloat32(name));
    }
  } finally {
    await file.close();
  }
  return weights;
}

/** Writes the averaged weights that scored best, or the last ones without an evaluation, under OpenAI's names. */
async function writeModel(model: Clip, result: TrainingResult, folder: string): Promise<void> {
  const best = checkpointFile(folder, "best");
  const weights = (await checkpointExists(best))
    ? await averageIn(best, model)
    : new Map(result.average ?? result.weights);
  limitLogitScale(weights);
  const tensors = model.parameters.map(({ name, shape }) => ({
    ...{ name, dtype: "F32" as const, shape },
    data: weights.get(name)!,
  }));
  await writeSafetensors(clipFile(folder), tensors);
}

async function averageIn(checkpoint: string, model: Clip): Promise<Map<string, Float32Array>> {
  const file = await openWeights(checkpoint);
  try {
    const weights = new Map<string, Float32Array>();
    for (const { name } of model.parameters) {
      const entry = file.entries.get(`average/${name}`) ?? file.entries.get(`weights/${name}`);
      weights.set(name, await file.readFloat32(entry!.name));
    }
    return weights;
  } finally {
    await file.close();
  }
}
