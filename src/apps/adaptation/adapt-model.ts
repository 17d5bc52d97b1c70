/** Adapts a GLIP to a dataset of one user (GLIP, section 5; `tools/finetune.py`). */

import { fewShot } from "../../data/training/few-shot.ts";
import type { SourceFiles } from "../../data/training/sources.ts";
import { InputError } from "../../errors.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import type { ClassPrompt, Pass } from "../../inputs/words/prompts.ts";
import { AdamW } from "../../learning/adamw.ts";
import { type Composer, localBatchSource } from "../../learning/batch-source.ts";
import type { MemoryEstimate } from "../../learning/memory-estimate.ts";
import type { Numbers } from "../../learning/optimizer.ts";
import { glipGroupRules, parameterGroups } from "../../learning/parameter-groups.ts";
import { type CheckpointOptions, type TrainingResult, train } from "../../learning/train.ts";
import type { TrainingListener } from "../../learning/training-listener.ts";
import { type AdaptedPrompt, spoken } from "../../tasks/finding/adapted-prompt.ts";
import { baseOf } from "../../tasks/finding/base-mark.ts";
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
import { type AdaptedData, readAdaptedData } from "./adapted-data.ts";
import { KeptRun } from "./kept-run.ts";
import { type Learnable, learnableOf } from "./learnable.ts";
import { type Method, ways } from "./methods.ts";
import { type Pace, paceOf } from "./pace.ts";

export interface AdaptationRequest {
  method: Method;
  /** Annotations of the pictures to learn from. */
  train: SourceFiles;
  /** Annotations by whose average precision the rate falls, the run ends, and the best weights are kept. */
  valid?: SourceFiles;
  /** Whether a tuned prompt stands in place of the words, instead of being added to them; it finds the same. */
  inPlace?: boolean;
  /** Words that some classes are asked for in, by their labels; the others by their names alone. */
  captions?: readonly ClassPrompt[];
  /** Pictures for each class, chosen by the seed; all unless told. */
  shots?: number;
  /** 10 unless told, as in GLIP's recipe. */
  seed?: number;
  /** Most steps; 200 epochs with `valid`, which ends it sooner, and 100 steps without unless told. */
  steps?: number;
  /** In place of `steps`: most passes over the pictures that are learned from. */
  epochs?: number;
  /** The method's own unless told. */
  learningRate?: number;
  weightDecay?: number;
  /** Patterns of the names of parts that stay as they are, in place of the first layers of a Swin. */
  frozen?: readonly string[];
  /** In a batch; 4 unless told. */
  pictures?: number;
  /** Lengths of the pictures' sides; the model's own unless told. */
  size?: SizeRule;
  /** Annotations that are learned beside, so that less is forgotten. */
  replay?: SourceFiles;
  /** Pictures of the replay to one of the dataset; 1 unless told. */
  replayWeight?: number;
  listeners?: readonly TrainingListener[];
  /** Told of the memory that training will take, before it starts. */
  memory?: (estimate: MemoryEstimate) => void;
  /** Where the run is kept as it goes, so that it can be taken up and end in the same bits. */
  checkpoints?: Omit<CheckpointOptions, "shapes" | "recipe">;
  /** Saves and returns after the step under way. */
  signal?: AbortSignal;
}

export interface Adaptation {
  /** The model as it has become; of prompt tuning with the learned vectors added to every caption. */
  stored: StoredModel;
  /** The numbers that were learned, by parameter or adapter. */
  learned: Numbers;
  /** What prompt tuning has learned, to be stored alone. */
  prompt?: AdaptedPrompt;
  /** Class names in the order of the prompt. */
  names: readonly string[];
  /** Steps taken. */
  steps: number;
  /** The best average precision on `valid`. */
  best: number | undefined;
  /** Whether `signal` ended it before its time. */
  interrupted: boolean;
  /** Seconds of learning, over all runs that were taken up. */
  seconds: number;
}

/** The compiled training steps of one model, which take seconds to make; adaptations of the same method share one. */
export class TrainingSessions {
  private readonly known = new Map<string, GroundingTrainingStep>();

  constructor(private readonly options: Pick<TrainingStepOptions, "shards" | "optimization"> = {}) {}

  of(model: StoredModel["model"], trained: readonly string[]): GroundingTrainingStep {
    const names = trained.map((name) => name.replaceAll(".", "\\."));
    const frozen = new RegExp(`^(?!(${names.join("|")})$)`);
    const step =
      this.known.get(frozen.source) ?? new GroundingTrainingStep(model, { frozen, threads: 1, ...this.options });
    this.known.set(frozen.source, step);
    return step;
  }

  async dispose(): Promise<void> {
    for (const step of this.known.values()) await step.dispose();
    this.known.clear();
  }
}

/**
 * Trains `base` on a dataset, whose classes need not be told: they stand in its annotations. `base` stays as it is. Give the same `sessions`
 * to adaptations of the same base. Throws InputError that lists what is wrong with the data before anything is trained, and where the
 * checkpoint to go on from is of other settings.
 */
export async function adaptModel(
  base: StoredModel,
  request: AdaptationRequest,
  sessions?: TrainingSessions,
): Promise<Adaptation> {
  const own = sessions ?? new TrainingSessions();
  try {
    return await adapted(base, request, own);
  } finally {
    if (!sessions) await own.dispose();
  }
}

async function adapted(base: StoredModel, request: AdaptationRequest, sessions: TrainingSessions): Promise<Adaptation> {
  refuseContradictions(request);
  const { method, shots, captions, seed = 10, frozen } = request;
  const data = await readAdaptedData(request.train, base, captions);
  refuseLongPrompt(method, data, base);
  const learnable = learnableOf(base, { method, seed, frozen });
  const setup = setupOf(request, base, data);
  request.memory?.(memoryOf(learnable, setup, data));
  const composer = await createComposer(setup);
  const pictures = shots === undefined ? data.classes.length : fewShot(data.classes, shots, seed).length;
  const steps = stepsOf(request, pictures);
  const pace = await paceOf(request, { ...base, model: learnable.model }, { ...learnable, pictures, steps });
  const kept = new KeptRun(learnable.numbers, request, base);
  await kept.takeUp();
  const result = await learn(request, {
    learnable,
    composer,
    pace,
    kept,
    step: sessions.of(learnable.model, learnable.names),
  });
  const vectors = promptOf(kept.best, { data, base });
  const prompt = vectors && request.inPlace ? await inPlaceOf(vectors, data.prompt.passes[0]!, base) : vectors;
  return {
    stored: { ...base, model: learnable.model, weights: learnable.weights(kept.best) },
    ...{ learned: kept.best, names: data.names, steps: result.step, best: result.best, seconds: kept.seconds },
    interrupted: result.interrupted && !pace.signal?.aborted,
    ...(prompt ? { prompt } : {}),
  };
}

interface Learning {
  learnable: Learnable;
  composer: Composer<GroundingBatch>;
  pace: Pace;
  kept: KeptRun;
  step: GroundingTrainingStep;
}

/** Trains what a method learns; what was best by the scores is in `kept`. */
function learn(
  request: AdaptationRequest,
  { learnable, composer, pace, kept, step }: Learning,
): Promise<TrainingResult> {
  const { method, listeners = [], signal } = request;
  const { learningRate = ways[method].learningRate, weightDecay = ways[method].weightDecay } = request;
  const { numbers } = learnable;
  const signals = [pace.signal, signal].filter((one) => one !== undefined);
  return train({
    weights: numbers,
    step: async (now, batch) => {
      const { losses, gradients } = await step.run(learnable.weights(now), batch);
      return { losses, gradients: learnable.gradients(now, gradients) };
    },
    source: localBatchSource(composer),
    optimizer: new AdamW(
      parameterGroups(numbers.keys(), {
        ...{ learningRate, weightDecay },
        rules: glipGroupRules(numbers.keys(), { languageLearningRate: learningRate }),
      }),
    ),
    ...pace,
    restorables: { ...pace.restorables, clock: kept },
    ...(kept.checkpoints ? { checkpoints: kept.checkpoints } : {}),
    listeners: [kept, ...pace.listeners, ...listeners],
    signal: AbortSignal.any(signals),
    pictures: (batch) => batch.pictures,
    clip: 1,
  });
}

/** How pictures and words become batches. */
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
    // All names in their order, as the model is asked later (GLIP `DISABLE_SHUFFLE`).
    negatives: { most: names.length, one: 0, none: 0, all: 1, ordered: true },
  };
}

function memoryOf({ model, numbers }: Learnable, setup: DatasetComposerSetup, { sizes }: AdaptedData): MemoryEstimate {
  const trained = [...numbers.values()].reduce((sum, { length }) => sum + length, 0);
  const { pictures, tokens } = setup;
  const running = { trained, average: false, shards: 1, batchesAhead: 0 };
  return memoryOfTraining(model, {
    pictures,
    tokens,
    ...largestSides(sizes, { short: setup.sizes[0]!, max: setup.longest }),
    ...running,
  });
}

/** With the point behind the last name, and one place that the sampler of names keeps free. */
function tokensOf({ passes }: AdaptedData["prompt"]): number {
  return passes[0]!.ids.length + 2;
}

/** The steps asked for, or those of the passes asked for over so many pictures. */
function stepsOf(
  { steps, epochs, replay, replayWeight = 1, pictures: batch = 4 }: AdaptationRequest,
  pictures: number,
) {
  const own = batch / (replay ? 1 + replayWeight : 1);
  return steps ?? (epochs === undefined ? undefined : Math.ceil((epochs * pictures) / own));
}

/** What prompt tuning has learned; nothing of other methods. */
function promptOf(
  learned: Numbers,
  { data, base }: { data: AdaptedData; base: StoredModel },
): AdaptedPrompt | undefined {
  const tokens = data.prompt.passes[0]!.ids.length;
  const vectors = learned.get(TUNABLE_PROMPT)?.slice(0, tokens * base.model.textWidth);
  return vectors && { classes: data.asked, vectors, tokens, inPlace: false, base: baseOf(base) };
}

function refuseLongPrompt(method: Method, { prompt, names }: AdaptedData, { model }: StoredModel): void {
  if (method === "prompt" && (prompt.passes.length > 1 || tokensOf(prompt) > model.maxTokens))
    throw new InputError(
      `the ${names.length} names need more than the ${model.maxTokens} tokens of one prompt; take another method`,
    );
}

function refuseContradictions({ method, inPlace, replay, replayWeight, steps, epochs }: AdaptationRequest): void {
  if (method === "prompt" && replay)
    throw new InputError("prompt tuning changes nothing that other prompts use, so there is nothing to replay");
  if (inPlace && method !== "prompt")
    throw new InputError("only a tuned prompt can stand in place of the words; take the method prompt");
  if (replayWeight !== undefined && !replay)
    throw new InputError("there is a weight of the replay but no set to replay; give one, or leave the weight out");
  if (steps !== undefined && epochs !== undefined)
    throw new InputError("both steps and epochs were given; take one of them");
}

/** The same prompt with vectors that stand in place of the words'. */
async function inPlaceOf(
  prompt: AdaptedPrompt,
  caption: Pass,
  { model, weights }: StoredModel,
): Promise<AdaptedPrompt> {
  const predictor = new Predictor(model, weights, { threads: 1 });
  const pass = { ...caption, learned: prompt };
  const { vectors } = await spoken(pass, ({ ids }) => predictor.text(ids)).finally(() => predictor.dispose());
  return { ...prompt, vectors, inPlace: true };
}
