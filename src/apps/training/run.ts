/** Runs a recipe: puts the model, data, optimizer and training loop together. */

import { mkdirSync } from "node:fs";
import { Random } from "../../data/random.ts";
import { writing } from "../../files/writing.ts";
import { AdamW } from "../../learning/adamw.ts";
import { workerBatchSource } from "../../learning/batch-source.ts";
import { curveFiles } from "../../learning/curves.ts";
import { withInterruption } from "../../learning/interruption.ts";
import { jsonLinesLog } from "../../learning/log.ts";
import { parameterGroups } from "../../learning/parameter-groups.ts";
import type { Ranks } from "../../learning/ranks.ts";
import { cosine, withWarmup } from "../../learning/schedules.ts";
import { sharedCopy } from "../../learning/shared-arrays.ts";
import { tensorBoardLog } from "../../learning/tensorboard.ts";
import { type TrainingResult, train } from "../../learning/train.ts";
import type { Device } from "../../onnx/devices.ts";
import { type GroundingBatch, GroundingTrainingStep } from "../../tasks/grounding/training-step.ts";
import { trainingProgress } from "../progress/training-progress.ts";
import { dataOfRun } from "./data-of-run.ts";
import { initialWeights } from "./initial-weights.ts";
import { type ModelOfRun, modelOfRun } from "./model-of-run.ts";
import { lossesOf, type Recipe } from "./recipe.ts";
import { logFile, refuseOtherRun } from "./run-folder.ts";

/** Where a run is kept, and how it is watched and stopped. */
export interface RunOptions {
  /** Folder for checkpoints, logs and curves. */
  folder: string;
  /** Continues from the last checkpoint in the folder. */
  resume: boolean;
  /** Cache folder for rendered drawings. */
  sprites: string;
  /** @internal The model of the recipe, if the caller has built it already. */
  model?: ModelOfRun;
  /** Where the model is trained and scored (default: cpu). */
  device?: Device;
  /** The processes that train together; all see the same folder, and the first one writes into it. */
  ranks?: Ranks;
  /** Shows no progress. */
  quiet?: boolean;
}

/**
 * Trains until the recipe's last step. An interruption saves a checkpoint and stops. Throws InputError before any change if the folder
 * contains a run and `resume` is false.
 */
export async function runRecipe(recipe: Recipe, options: RunOptions): Promise<TrainingResult> {
  const { folder, resume, sprites, quiet = false } = options;
  const device = options.device === undefined ? {} : { device: options.device };
  const ranks = options.ranks === undefined ? {} : { ranks: options.ranks };
  const isFirst = (options.ranks?.rank ?? 0) === 0;
  if (isFirst) {
    if (!resume) refuseOtherRun(folder);
    await writing(folder, () => mkdirSync(folder, { recursive: true }));
  }
  const run = options.model ?? (await modelOfRun(recipe));
  const { model, config } = run;
  const { module, setup, evaluation } = await dataOfRun({ ...recipe, ...device }, run, sprites);
  const initial = await initialWeights(model, recipe);
  const weights = recipe.shards > 1 ? sharedCopy(initial) : initial;
  const frozen = recipe.frozen.length > 0 ? new RegExp(recipe.frozen.join("|")) : undefined;
  const names = [...weights.keys()].filter((name) => !frozen?.test(name));
  const random = new Random(recipe.seed, "dropout");
  const step = new GroundingTrainingStep(model, {
    shards: recipe.shards,
    losses: lossesOf(recipe),
    ...device,
    ...ranks,
    ...(frozen ? { frozen } : {}),
    ...(recipe.dropout ? { random: () => random.unit() } : {}),
  });
  const source = workerBatchSource<GroundingBatch>({ module, setup, workers: 1, ahead: 4 });
  const log = logFile(folder);
  try {
    return await withInterruption((signal) =>
      train<GroundingBatch>({
        weights,
        step: (current, batch) => step.run(current, batch),
        source,
        optimizer: new AdamW(groupsOf(recipe, names)),
        totalSteps: recipe.steps,
        learningRate: withWarmup(cosine({ totalSteps: recipe.steps, floor: 0.01 }), { steps: recipe.warmup }),
        clip: recipe.clip,
        averageDecay: recipe.averageDecay,
        restorables: { dropout: { save: () => [...random.state], restore: (state) => restoreRandom(random, state) } },
        pictures: (batch) => batch.pictures,
        ...(evaluation && isFirst ? { evaluation } : {}),
        ...ranks,
        checkpoints: {
          folder,
          every: recipe.checkpointEvery,
          resume,
          shapes: new Map(model.parameters.map(({ name, shape }) => [name, shape])),
          recipe: { ...recipe, model: config },
        },
        listeners: isFirst
          ? [trainingProgress({ quiet }), jsonLinesLog(log), tensorBoardLog(folder), curveFiles(log, folder)]
          : [],
        signal,
      }),
    );
  } finally {
    await source.close();
    await step.dispose();
  }
}

/** The learning rate and weight decay of each parameter. */
function groupsOf(recipe: Recipe, names: Iterable<string>) {
  return parameterGroups(names, {
    learningRate: recipe.learningRate,
    weightDecay: recipe.weightDecay,
    rules: [
      ...(recipe.languageLearningRate
        ? [{ pattern: "language_backbone", learningRate: recipe.languageLearningRate }]
        : []),
      ...(recipe.backboneLearningRate
        ? [{ pattern: /^backbone\.body/, learningRate: recipe.backboneLearningRate }]
        : []),
      { pattern: /bias|[nN]orm|gamma|scale/, weightDecay: 0 },
    ],
  });
}

function restoreRandom(random: Random, state: unknown): void {
  random.state = state as Random["state"];
}
