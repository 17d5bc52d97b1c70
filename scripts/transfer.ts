/**
 * Measures how much each method of adaptation gains on thirteen small sets (GLIP, section 5): appends a line for each finished cell of the
 * table, and continues when run again. The outer loop is over the number of shots and the next over seeds, so that an incomplete table is a
 * fair smaller one.
 *
 *     npx groundling scenes --downstream --out runs/downstream
 *     npx tsx scripts/transfer.ts --results docs/results/transfer.jsonl
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { z } from "zod";
import { adaptModel, TrainingSessions } from "../src/apps/adaptation/adapt-model.ts";
import { methods as ways } from "../src/apps/adaptation/methods.ts";
import { datasetEvaluation } from "../src/apps/training/dataset-evaluation.ts";
import { Random } from "../src/data/random.ts";
import { odinwFolders } from "../src/data/readers/odinw-folder.ts";
import { readSource, type SourceFiles } from "../src/data/training/sources.ts";
import { RecipeError } from "../src/errors.ts";
import { KnownClasses } from "../src/inputs/words/known-classes.ts";
import { AdamW } from "../src/learning/adamw.ts";
import { localBatchSource } from "../src/learning/batch-source.ts";
import { parameterGroups } from "../src/learning/parameter-groups.ts";
import { cosine, withWarmup } from "../src/learning/schedules.ts";
import { train } from "../src/learning/train.ts";
import { dynamicHead } from "../src/models/dynamic-head/dynamic-head.ts";
import type { Detector } from "../src/models/parts/detector.ts";
import { detectorShape } from "../src/models/parts/detector-schema.ts";
import { glipPictures } from "../src/models/parts/glip-pictures.ts";
import { readModel, type StoredDetector } from "../src/tasks/finding/model-folder.ts";
import { createComposer } from "../src/tasks/grounding/dataset-composer.ts";
import { GroundingTrainingStep } from "../src/tasks/grounding/training-step.ts";
import { openWeights } from "../src/weights/open-weights.ts";
import { appendResult, readResults } from "./results.ts";
import { type Cell, methods, sameCell } from "./transfer-cells.ts";

const whole = z.int().positive();
const pace = z.strictObject({ steps: whole, learningRate: z.number().positive() });
const tuning = z.strictObject({
  few: pace,
  all: pace,
  frozen: z.array(z.string()).exactOptional(),
});
const recipeSchema = z.strictObject({
  about: z.string(),
  seeds: z.array(z.int()),
  /** Numbers of shots, in rounds over all sets: the first rounds tell most if there is not enough time for all. */
  rounds: z.array(z.array(z.union([whole, z.literal("all")]))),
  /** Pictures per batch. */
  pictures: whole,
  /** Length of the shorter side and maximum of the longer side, in training and in testing. */
  side: whole,
  longest: whole,
  glip: z.partialRecord(z.enum(ways), tuning),
  dynamicHead: tuning.required().extend({
    model: z.strictObject(detectorShape),
    from: z.string(),
    backboneLearningRate: z.number().positive(),
  }),
});

type Setting = Omit<Cell, "AP" | "AP50">;

type Weights = Map<string, Float32Array>;

const choices = new Command()
  .option("--recipe <file>", "what is compared", "recipes/transfer.json")
  .option("--sets <folder>", "the downstream sets", "runs/downstream")
  .option("--results <file>", "a line for each cell", "runs/transfer.jsonl")
  .addOption(
    new Option("--only <ways...>", "these ways alone, so that several runs may share the table").choices(methods),
  )
  .option("--mobile-net <file>", "another place of the weights that a Dynamic Head starts from")
  .parse()
  .opts<{ recipe: string; sets: string; results: string; only?: string[]; mobileNet?: string }>();
const recipe = recipeSchema.parse(JSON.parse(readFileSync(choices.recipe, "utf8")));
const size = { short: recipe.side, max: recipe.longest };
const sets = odinwFolders(choices.sets);
const everyday = await readModel();
/** Sessions by method, and by number of classes for a Dynamic Head; shared by all cells. */
const sessions = new TrainingSessions();
const steps = new Map<number, GroundingTrainingStep>();

for (const { name, groundTruth } of sets) {
  const cell = { seed: 0, shots: 0, method: "zero-shot", set: name } as const;
  if (!isDone(cell)) await keep(cell, async () => score(everyday, everyday.weights, groundTruth));
}
for (const round of recipe.rounds)
  for (const seed of recipe.seeds)
    for (const { name, groundTruth } of sets)
      for (const shots of round)
        for (const method of methods) {
          const cell = { seed, shots, method, set: name };
          const isMade = choices.only?.includes(method) ?? (method === "dynamic-head" || method in recipe.glip);
          if (isMade && !isDone(cell)) await keep(cell, () => adapted(cell, groundTruth));
        }
for (const used of [sessions, ...steps.values()]) await used.dispose();

function isDone(cell: Setting): boolean {
  return readResults<Cell>(choices.results).some((known) => sameCell(known, cell));
}

async function keep(cell: Setting, work: () => Promise<Record<string, number>>): Promise<void> {
  const start = performance.now();
  const { AP, AP50 } = await work();
  const round = (value: number) => Math.round(1e4 * value) / 1e4;
  const seconds = Math.round((performance.now() - start) / 1000);
  appendResult(choices.results, { ...cell, AP: round(AP!), AP50: round(AP50!) }, `${seconds} s`);
}

/** Trains on the few-shot pictures of a set and scores on its test pictures. */
async function adapted(cell: Setting, groundTruth: string): Promise<Record<string, number>> {
  const { seed, shots, method, set } = cell;
  const train = { data: join(choices.sets, set, "train", "annotations_without_background.json") };
  const few = shots === "all" ? {} : { shots };
  const paceOf = (way: z.infer<typeof tuning>) => (shots === "all" ? way.all : way.few);
  if (method === "dynamic-head")
    return trainedDynamicHead({ ...train, ...few }, { seed, ...paceOf(recipe.dynamicHead) }, groundTruth);
  const { pictures } = recipe;
  const way = ways.find((known) => known === method);
  const tuned = way && recipe.glip[way];
  if (!tuned) throw new RecipeError(`${choices.recipe} does not say how ${method} is done`);
  const { frozen } = tuned;
  const options = { shards: 1, ...few, ...paceOf(tuned), ...(frozen ? { frozen } : {}) };
  const request = { method: way, train, seed, pictures, size, ...options };
  const { stored } = await adaptModel(everyday, request, sessions);
  return score(stored, stored.weights, groundTruth);
}

/** A Dynamic Head for the set's classes with initial weights from the seed, and a body pretrained on photos. */
async function trainedDynamicHead(
  source: SourceFiles & { shots?: number },
  { seed, steps: totalSteps, learningRate }: z.infer<typeof pace> & { seed: number },
  groundTruth: string,
) {
  const { pictures, dynamicHead: way } = recipe;
  const { names } = await readSource(source);
  const model = dynamicHead({ ...way.model, classes: names });
  const weights = await firstWeights(model, seed);
  const frozen = new RegExp(way.frozen.join("|"));
  const step = steps.get(names.length) ?? new GroundingTrainingStep(model, { frozen, threads: 1 });
  steps.set(names.length, step);
  const composer = await createComposer({
    words: { kind: "classes", names },
    preparation: glipPictures,
    ...{ tokens: names.length, maxTokens: model.maxTokens, sources: [{ ...source, weight: 1 }] },
    ...{ seed, pictures, sizes: [size.short], longest: size.max, flip: 0.5 },
    negatives: { most: 0, one: 0, none: 1, all: 0 },
  });
  const { backboneLearningRate } = way;
  const groups = parameterGroups(
    [...weights.keys()].filter((name) => !frozen.test(name)),
    {
      ...{ learningRate, weightDecay: 0.05 },
      rules: [{ pattern: /^backbone\.body/, learningRate: backboneLearningRate }],
    },
  );
  await train({
    weights,
    step: (current, batch) => step.run(current, batch),
    source: localBatchSource(composer),
    optimizer: new AdamW(groups),
    totalSteps,
    learningRate: withWarmup(cosine({ totalSteps, floor: 0.01 }), { steps: Math.ceil(totalSteps / 20) }),
    clip: 1,
  });
  return score({ model, words: new KnownClasses(names), preparation: glipPictures }, weights, groundTruth);
}

async function firstWeights(model: Detector, seed: number): Promise<Weights> {
  const random = new Random(seed, "weights");
  const file = await openWeights(choices.mobileNet ?? recipe.dynamicHead.from);
  const weights: Weights = new Map();
  try {
    for (const { name, shape, initialise } of model.parameters) {
      const first = initialise(shape, () => random.unit());
      weights.set(name, file.entries.has(name) ? await file.readFloat32(name) : first);
    }
  } finally {
    await file.close();
  }
  return weights;
}

async function score(
  start: Pick<StoredDetector, "model" | "words" | "preparation">,
  weights: Weights,
  groundTruth: string,
): Promise<Record<string, number>> {
  const evaluation = await datasetEvaluation(
    { evaluateEvery: 1, evaluatePictures: Number.POSITIVE_INFINITY },
    { sizes: [size.short], longest: size.max },
    { data: groundTruth },
    start,
  );
  return evaluation.run({ weights, average: undefined, step: 0 });
}
