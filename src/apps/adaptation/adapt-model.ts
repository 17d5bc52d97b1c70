/** Adapts a GLIP to a user's dataset (GLIP, section 5; `tools/finetune.py`). */

import { fewShot } from "../../data/training/few-shot.ts";
import { InputError } from "../../errors.ts";
import { moduleBeside } from "../../files/module-beside.ts";
import type { Pass } from "../../inputs/words/prompts.ts";
import { AdamW } from "../../learning/adamw.ts";
import { type BatchSource, localBatchSource, workerBatchSource } from "../../learning/batch-source.ts";
import type { MemoryEstimate } from "../../learning/memory-estimate.ts";
import type { NamedArrays } from "../../learning/optimizer.ts";
import { glipGroupRules, parameterGroups } from "../../learning/parameter-groups.ts";
import { sharedCopy } from "../../learning/shared-arrays.ts";
import { type TrainingResult, train } from "../../learning/train.ts";
import { type AdaptedPrompt, withLearnedVectors } from "../../tasks/finding/adapted-prompt.ts";
import { baseOf } from "../../tasks/finding/base-digest.ts";
import type { StoredModel } from "../../tasks/finding/model-folder.ts";
import { Predictor } from "../../tasks/finding/predictor.ts";
import { TUNABLE_PROMPT } from "../../tasks/finding/tunable-prompt.ts";
import { createComposer, type DatasetComposerSetup } from "../../tasks/grounding/dataset-composer.ts";
import {
  type GroundingBatch,
  GroundingTrainingStep,
  type TrainingStepOptions,
} from "../../tasks/grounding/training-step.ts";
import { largestSides, memoryOfTraining } from "../training/memory-of-run.ts";
import { type AdaptationRequest, shardsOf } from "./adaptation-request.ts";
import { type AdaptationSchedule, scheduleOf } from "./adaptation-schedule.ts";
import { AdaptationState } from "./adaptation-state.ts";
import { type AdaptedData, readAdaptedData } from "./adapted-data.ts";
import { type Learnable, learnableOf } from "./learnable.ts";
import { type Method, methodSettings } from "./methods.ts";

/** Batches composed ahead of the step. */
const AHEAD = 2;

export interface Adaptation {
  /** The adapted model. After prompt tuning, it adds the learned vectors to every caption. */
  stored: StoredModel;
  /** The trained numbers, by parameter or adapter. */
  learned: NamedArrays;
  /** The result of prompt tuning, which is stored separately. */
  prompt?: AdaptedPrompt;
  /** Class names in the order of the prompt. */
  names: readonly string[];
  /** Training steps that were run. */
  steps: number;
  /** The best average precision on `valid`. */
  best: number | undefined;
  /** Whether `signal` stopped it early. */
  interrupted: boolean;
  /** Seconds of training, over all resumed runs. */
  seconds: number;
}

/** The compiled training steps of a model. Compiling takes seconds; adaptations by the same method share one. */
export class TrainingSessions {
  private readonly known = new Map<string, GroundingTrainingStep>();

  constructor(private readonly options: Pick<TrainingStepOptions, "device" | "optimization"> = {}) {}

  of(model: StoredModel["model"], trained: readonly string[], shards: number): GroundingTrainingStep {
    const names = trained.map((name) => name.replaceAll(".", "\\."));
    const frozen = new RegExp(`^(?!(${names.join("|")})$)`);
    const key = `${shards} ${frozen.source}`;
    const step =
      this.known.get(key) ?? new GroundingTrainingStep(model, { frozen, shards, threads: 1, ...this.options });
    this.known.set(key, step);
    return step;
  }

  async dispose(): Promise<void> {
    for (const step of this.known.values()) await step.dispose();
    this.known.clear();
  }
}

/**
 * Adapts `base` to a dataset, whose annotations name its classes. Does not change `base`. Share `sessions` between adaptations of the
 * same base. Throws InputError before training that lists all problems in the data, or if the checkpoint to resume has other settings.
 */
export async function adaptModel(
  base: StoredModel,
  request: AdaptationRequest,
  sessions?: TrainingSessions,
): Promise<Adaptation> {
  const { device } = request;
  const own = sessions ?? new TrainingSessions(device === undefined ? {} : { device });
  try {
    return await adapted(base, request, own);
  } finally {
    if (!sessions) await own.dispose();
  }
}

async function adapted(base: StoredModel, request: AdaptationRequest, sessions: TrainingSessions): Promise<Adaptation> {
  refuseContradictions(request);
  const { method, shots, captions, seed = 10, frozen } = request;
  const shards = shardsOf(request);
  const data = await readAdaptedData(request.train, base, captions);
  refuseLongPrompt(method, data, base);
  const chosen = learnableOf(base, { method, seed, frozen });
  const learnable = shards > 1 ? { ...chosen, numbers: sharedCopy(chosen.numbers) } : chosen;
  const setup = setupOf(request, base, data);
  const step = sessions.of(learnable.model, learnable.names, shards);
  request.memory?.(memoryOf(learnable, setup, { step, shards, sizes: data.sizes }));
  const pictures = shots === undefined ? data.classes.length : fewShot(data.classes, shots, seed).length;
  const steps = stepsOf(request, pictures);
  const schedule = await scheduleOf(request, { ...base, model: learnable.model }, { ...learnable, pictures, steps });
  const state = new AdaptationState(learnable.numbers, request, base);
  await state.resume();
  const source = await sourceOf(setup, shards);
  const result = await trainNumbers(request, { learnable, source, schedule, state, step }).finally(() =>
    source.close(),
  );
  const vectors = promptOf(state.best, { data, base });
  const prompt = vectors && request.inPlace ? await replacingWords(vectors, data.prompt.passes[0]!, base) : vectors;
  return {
    stored: { ...base, model: learnable.model, weights: learnable.weights(state.best) },
    ...{ learned: state.best, names: data.names, steps: result.step, best: result.best, seconds: state.seconds },
    interrupted: result.interrupted && !schedule.signal?.aborted,
    ...(prompt ? { prompt } : {}),
  };
}

interface TrainingParts {
  learnable: Learnable;
  source: BatchSource<GroundingBatch>;
  schedule: AdaptationSchedule;
  state: AdaptationState;
  step: GroundingTrainingStep;
}

/** Trains the numbers of a method; `state` then has the ones with the best score. */
function trainNumbers(
  request: AdaptationRequest,
  { learnable, source, schedule, state, step }: TrainingParts,
): Promise<TrainingResult> {
  const { method, listeners = [], signal } = request;
  const { learningRate = methodSettings[method].learningRate, weightDecay = methodSettings[method].weightDecay } =
    request;
  const { numbers } = learnable;
  const signals = [schedule.signal, signal].filter((one) => one !== undefined);
  return train({
    weights: numbers,
    step: async (now, batch) => {
      const { losses, gradients } = await step.run(learnable.weights(now), batch);
      return { losses, gradients: learnable.gradients(now, gradients) };
    },
    source,
    optimizer: new AdamW(
      parameterGroups(numbers.keys(), {
        ...{ learningRate, weightDecay },
        rules: glipGroupRules(numbers.keys(), { languageLearningRate: learningRate }),
      }),
    ),
    ...schedule,
    restorables: { ...schedule.restorables, clock: state },
    ...(state.checkpoints ? { checkpoints: state.checkpoints } : {}),
    listeners: [state, ...schedule.listeners, ...listeners],
    signal: AbortSignal.any(signals),
    pictures: (batch) => batch.pictures,
    clip: 1,
  });
}

/** Batches composed when they are needed, or with several shards ahead in a thread. */
async function sourceOf(setup: DatasetComposerSetup, shards: number): Promise<BatchSource<GroundingBatch>> {
  if (shards === 1) return localBatchSource(await createComposer(setup));
  const module = moduleBeside("../../tasks/grounding/dataset-composer", import.meta.url);
  return workerBatchSource({ module, setup, workers: 1, ahead: AHEAD });
}

/** How batches are composed. */
function setupOf(
  { train, captions, shots, replay, replayWeight = 1, seed = 10, pictures = 4, ...request }: AdaptationRequest,
  { model, vocabulary, preparation }: StoredModel,
  { names, prompt }: AdaptedData,
): DatasetComposerSetup {
  const { size = preparation.size } = request;
  return {
    ...{ seed, pictures, sizes: [size.short], longest: size.max, flip: 0.5 },
    words: { kind: "word-pieces" as const, file: vocabulary },
    preparation,
    ...{ tokens: replay ? model.maxTokens : Math.min(tokensOf(prompt), model.maxTokens), maxTokens: model.maxTokens },
    sources: [
      { ...train, weight: 1, captions, ...(shots === undefined ? {} : { shots }) },
      ...(replay ? [{ ...replay, weight: replayWeight }] : []),
    ],
    // All names in order, as in inference (GLIP `DISABLE_SHUFFLE`).
    negatives: { most: names.length, one: 0, none: 0, all: 1, ordered: true },
  };
}

function memoryOf(
  { model, numbers }: Learnable,
  setup: DatasetComposerSetup,
  { step, shards, sizes }: { step: GroundingTrainingStep; shards: number; sizes: AdaptedData["sizes"] },
): MemoryEstimate {
  const trained = [...numbers.values()].reduce((sum, { length }) => sum + length, 0);
  const { pictures, tokens } = setup;
  const running = { trained, average: false, shards, batchesAhead: shards > 1 ? AHEAD : 0 };
  return memoryOfTraining(model, {
    step,
    pictures,
    tokens,
    ...largestSides(sizes, { short: setup.sizes[0]!, max: setup.longest }),
    ...running,
  });
}

/** Includes the period after the last name, and one token that the sampler of names keeps free. */
function tokensOf({ passes }: AdaptedData["prompt"]): number {
  return passes[0]!.ids.length + 2;
}

/** The requested steps, or the steps for the requested passes. */
function stepsOf(
  { steps, epochs, replay, replayWeight = 1, pictures: batch = 4 }: AdaptationRequest,
  pictures: number,
) {
  const own = batch / (replay ? 1 + replayWeight : 1);
  return steps ?? (epochs === undefined ? undefined : Math.ceil((epochs * pictures) / own));
}

/** The result of prompt tuning; undefined for other methods. */
function promptOf(
  learned: NamedArrays,
  { data, base }: { data: AdaptedData; base: StoredModel },
): AdaptedPrompt | undefined {
  const tokens = data.prompt.passes[0]!.ids.length;
  const vectors = learned.get(TUNABLE_PROMPT)?.slice(0, tokens * base.model.textWidth);
  return vectors && { classes: data.asked, vectors, tokens, inPlace: false, base: baseOf(base) };
}

function refuseLongPrompt(method: Method, { prompt, names }: AdaptedData, { model }: StoredModel): void {
  if (method === "prompt" && (prompt.passes.length > 1 || tokensOf(prompt) > model.maxTokens))
    throw new InputError(
      `the ${names.length} names need more than the ${model.maxTokens} tokens of one prompt; use another method`,
    );
}

function refuseContradictions({ method, inPlace, replay, replayWeight, steps, epochs }: AdaptationRequest): void {
  if (method === "prompt" && replay)
    throw new InputError("prompt tuning does not change other prompts, so replay has no effect; remove replay");
  if (inPlace && method !== "prompt")
    throw new InputError("in place works only with a tuned prompt; use the method prompt");
  if (replayWeight !== undefined && !replay)
    throw new InputError("a replay weight needs a replay set; give one, or remove the weight");
  if (steps !== undefined && epochs !== undefined)
    throw new InputError("both steps and epochs are given; give only one of them");
}

/** The same prompt, with vectors that replace the words' features. */
async function replacingWords(
  prompt: AdaptedPrompt,
  caption: Pass,
  { model, weights }: StoredModel,
): Promise<AdaptedPrompt> {
  const predictor = new Predictor(model, weights, { threads: 1 });
  const pass = { ...caption, learned: prompt };
  const { vectors } = await withLearnedVectors(pass, ({ ids }) => predictor.text(ids)).finally(() =>
    predictor.dispose(),
  );
  return { ...prompt, vectors, inPlace: true };
}
