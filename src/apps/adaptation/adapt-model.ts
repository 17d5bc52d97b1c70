/** Adapts a GLIP to a dataset of one user (GLIP, section 5; `tools/finetune.py`). */

import { fewShot } from "../../data/training/few-shot.ts";
import type { SourceFiles } from "../../data/training/sources.ts";
import { InputError } from "../../errors.ts";
import type { SizeRule } from "../../inputs/pictures/prepare-image.ts";
import type { ClassPrompt, Pass } from "../../inputs/words/prompts.ts";
import { AdamW } from "../../learning/adamw.ts";
import { localBatchSource } from "../../learning/batch-source.ts";
import { EarlyStop } from "../../learning/early-stop.ts";
import { copyNumbers } from "../../learning/ema.ts";
import type { Numbers } from "../../learning/optimizer.ts";
import { glipGroupRules, parameterGroups } from "../../learning/parameter-groups.ts";
import { Plateau } from "../../learning/plateau.ts";
import { cosine, withWarmup } from "../../learning/schedules.ts";
import { type Evaluation, train } from "../../learning/train.ts";
import type { TrainingListener } from "../../learning/training-listener.ts";
import { type AdaptedPrompt, spoken } from "../../tasks/finding/adapted-prompt.ts";
import { baseOf } from "../../tasks/finding/base-mark.ts";
import type { StoredModel } from "../../tasks/finding/model-folder.ts";
import { Predictor } from "../../tasks/finding/predictor.ts";
import { TUNABLE_PROMPT } from "../../tasks/finding/tunable-prompt.ts";
import { createComposer } from "../../tasks/grounding/dataset-composer.ts";
import { GroundingTrainingStep, type TrainingStepOptions } from "../../tasks/grounding/training-step.ts";
import { datasetEvaluation } from "../training/dataset-evaluation.ts";
import { readAdaptedData } from "./adapted-data.ts";
import { type Learnable, learnableOf } from "./learnable.ts";
import { type Method, ways } from "./methods.ts";

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

/** Steps between evaluations, so that more time goes into learning than into scoring. */
const LEAST_EPOCH = 20;

/**
 * Trains `base` on a dataset, whose classes need not be told: they stand in its annotations. `base` stays as it is. Give the same `sessions`
 * to adaptations of the same base. Throws InputError that lists what is wrong with the data before anything is trained.
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
  const { method, shots, captions, seed = 10, size = base.size, epochs, replay, pictures = 4 } = request;
  const { replayWeight = 1 } = request;
  const data = await readAdaptedData(request.train, base, captions);
  const caption = data.prompt.passes[0]!;
  // The point behind the last name, and one place that the sampler of names keeps free.
  const tokens = caption.ids.length + 2;
  if (method === "prompt" && (data.prompt.passes.length > 1 || tokens > base.model.maxTokens))
    throw new InputError(
      `the ${data.names.length} names need more than the ${base.model.maxTokens} tokens of one prompt; take another method`,
    );
  const { model, names, numbers, ...learnable } = learnableOf(base, { method, seed, frozen: request.frozen });
  const setup = {
    ...{ seed, pictures, sizes: [size.short], longest: size.max, flip: 0.5 },
    words: { kind: "word-pieces" as const, file: base.vocabulary },
    ...{ tokens: replay ? model.maxTokens : Math.min(tokens, model.maxTokens), maxTokens: model.maxTokens },
    sources: [
      { ...request.train, weight: 1, captions, ...(shots === undefined ? {} : { shots }) },
      ...(replay ? [{ ...replay, weight: replayWeight }] : []),
    ],
    // All names in their order, as the model is asked later (GLIP `DISABLE_SHUFFLE`).
    negatives: { most: data.names.length, one: 0, none: 0, all: 1, ordered: true },
  };
  const composer = await createComposer(setup);
  const step = sessions.of(model, names);
  const learned = shots === undefined ? data.classes.length : fewShot(data.classes, shots, seed).length;
  const own = pictures / (replay ? 1 + replayWeight : 1);
  const steps = request.steps ?? (epochs === undefined ? undefined : Math.ceil((epochs * learned) / own));
  const pace = await paceOf(request, { ...base, model }, { pictures: learned, steps, weights: learnable.weights });
  let kept = numbers;
  const keeper: TrainingListener = {
    evaluated: ({ best }) => {
      if (best) kept = copyNumbers(numbers);
    },
  };
  const { learningRate = ways[method].learningRate, weightDecay = ways[method].weightDecay } = request;
  const result = await train({
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
    listeners: [keeper, ...pace.listeners, ...(request.listeners ?? [])],
    clip: 1,
  });
  const count = caption.ids.length;
  const vectors = kept.get(TUNABLE_PROMPT)?.slice(0, count * model.textWidth);
  const prompt = vectors && {
    classes: data.asked,
    vectors,
    tokens: count,
    inPlace: false,
    base: baseOf(base),
  };
  return {
    stored: { ...base, model, weights: learnable.weights(kept) },
    ...{ learned: kept, names: data.names, steps: result.step, best: result.best },
    ...(prompt ? { prompt: request.inPlace ? await inPlaceOf(prompt, caption, base) : prompt } : {}),
  };
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

/** Passes over few pictures that count as one epoch (GLIP `shot_epochs_copy`); an epoch has at least `LEAST_EPOCH` steps. */
function epochSteps(pictures: number, { shots, pictures: batch = 4 }: AdaptationRequest): number {
  const copies = shots === undefined || shots > 5 ? 1 : shots > 3 ? 2 : shots > 1 ? 4 : 8;
  return Math.max(LEAST_EPOCH, Math.ceil((copies * pictures) / batch));
}

/** How long and how fast: by the scores on `valid` as in GLIP's recipe for Object Detection in the Wild, else by a cosine over the steps. */
async function paceOf(
  request: AdaptationRequest,
  stored: StoredModel,
  { pictures, steps, weights }: { pictures: number; steps: number | undefined; weights: Learnable["weights"] },
) {
  const { valid, captions, shots, size = stored.size } = request;
  if (!valid) {
    const totalSteps = steps ?? 100;
    const learningRate = withWarmup(cosine({ totalSteps, floor: 0.01 }), { steps: Math.ceil(totalSteps / 20) });
    return { totalSteps, learningRate, listeners: [] };
  }
  const every = epochSteps(pictures, request);
  const scoring = await datasetEvaluation(
    { evaluateEvery: every, evaluatePictures: Number.POSITIVE_INFINITY },
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
    signal: stop.signal,
  };
}
