/**
 * What each way of adapting gains on thirteen small sets (GLIP, section 5): appends a line for each cell of the table as it ends, and goes on
 * where it was when run again. Seeds are outermost, so that what is there is a fair smaller table at any time.
 *
 *   npx groundling scenes --downstream --out runs/downstream
 *   npx tsx scripts/transfer.ts --results docs/results/transfer.jsonl
 */

import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { z } from "zod";
import { datasetEvaluation } from "../src/apps/training/dataset-evaluation.ts";
import { Random } from "../src/data/random.ts";
import { odinwFolders } from "../src/data/readers/odinw-folder.ts";
import { readSource } from "../src/data/training/sources.ts";
import { AdamW } from "../src/engine/adamw.ts";
import { localBatchSource } from "../src/engine/batch-source.ts";
import { parameterGroups } from "../src/engine/parameter-groups.ts";
import { cosine, withWarmup } from "../src/engine/schedules.ts";
import { train } from "../src/engine/train.ts";
import { KnownClasses } from "../src/inputs/known-classes.ts";
import type { Detector } from "../src/models/detector.ts";
import { detectorConfigShape } from "../src/models/detector-config.ts";
import { dynamicHead } from "../src/models/dynamic-head.ts";
import { createComposer, type DatasetComposerSetup } from "../src/tasks/grounding/dataset-composer.ts";
import type { Words } from "../src/tasks/grounding/grounding-model.ts";
import { readModel } from "../src/tasks/grounding/model-folder.ts";
import { GroundingTrainingStep } from "../src/tasks/grounding/training-step.ts";
import { add, parameter, slice } from "../src/tensor/index.ts";
import { openWeights } from "../src/weights/open-weights.ts";
import { type Cell, type Method, methods, readCells, sameCell } from "./transfer-cells.ts";

const whole = z.int().positive();
const tuning = z.strictObject({ steps: whole, learningRate: z.number().positive(), frozen: z.array(z.string()) });
const recipeSchema = z.strictObject({
  about: z.string(),
  seeds: z.array(z.int()),
  /** Shots by rounds over all sets: the first says most where there is no time for the others. */
  rounds: z.array(z.array(z.union([whole, z.literal("all")]))),
  /** Of a batch. */
  pictures: whole,
  /** Length of the shorter side and most of the longer, in training and in testing. */
  side: whole,
  longest: whole,
  tokens: whole,
  glip: z.partialRecord(z.enum(methods), tuning),
  dynamicHead: tuning.extend({
    model: z.strictObject(detectorConfigShape),
    from: z.string(),
    backboneLearningRate: z.number().positive(),
  }),
});

interface Tuning {
  steps: number;
  learningRate: number;
  frozen: string[];
  backboneLearningRate?: number;
}

/** What a cell starts from. */
interface Start {
  model: Detector;
  words: Words;
  vocabulary: DatasetComposerSetup["vocabulary"];
  tokens: number;
  weights: Map<string, Float32Array>;
}

type Weights = Map<string, Float32Array>;

const choices = new Command()
  .option("--recipe <file>", "what is compared", "recipes/transfer.json")
  .option("--sets <folder>", "the downstream sets", "runs/downstream")
  .option("--results <file>", "a line for each cell", "runs/transfer.jsonl")
  .option("--mobile-net <file>", "another place of the weights that a Dynamic Head starts from")
  .option("--vocabulary <file>", "words of the built-in model", "assets/models/everyday/vocab.txt")
  .parse()
  .opts<{ recipe: string; sets: string; results: string; mobileNet?: string; vocabulary: string }>();
const recipe = recipeSchema.parse(JSON.parse(readFileSync(choices.recipe, "utf8")));
const sets = odinwFolders(choices.sets);
const everyday = await readModel();
/** Sessions of a way and of a number of classes, which serve all its cells. */
const steps = new Map<string, GroundingTrainingStep>();

mkdirSync(dirname(choices.results), { recursive: true });
for (const { name, groundTruth } of sets) {
  const cell = { seed: 0, shots: 0, method: "zero-shot", set: name } as const;
  if (!isDone(cell)) await keep(cell, async () => score(glipStart("full"), everyday.weights, groundTruth));
}
for (const seed of recipe.seeds)
  for (const round of recipe.rounds)
    for (const { name, groundTruth } of sets)
      for (const shots of round)
        for (const method of methods) {
          const cell = { seed, shots, method, set: name };
          const way = method === "dynamic-head" ? recipe.dynamicHead : recipe.glip[method];
          if (way && !isDone(cell)) await keep(cell, () => adapted(cell, way, groundTruth));
        }
for (const step of steps.values()) await step.dispose();

function isDone(cell: Omit<Cell, "AP" | "AP50">): boolean {
  return readCells(choices.results).some((known) => sameCell(known, cell));
}

async function keep(cell: Omit<Cell, "AP" | "AP50">, work: () => Promise<Record<string, number>>): Promise<void> {
  const start = performance.now();
  const { AP, AP50 } = await work();
  const round = (value: number) => Math.round(1e4 * value) / 1e4;
  const line = JSON.stringify({ ...cell, AP: round(AP!), AP50: round(AP50!) });
  appendFileSync(choices.results, `${line}\n`);
  console.error(line, `${Math.round((performance.now() - start) / 1000)} s`);
}

/** Trains on the shots of a set and scores on its test pictures. */
async function adapted(
  { seed, shots, method, set }: Omit<Cell, "AP" | "AP50"> & { method: Method },
  way: Tuning,
  groundTruth: string,
): Promise<Record<string, number>> {
  const data = join(choices.sets, set, "train", "annotations_without_background.json");
  const start = method === "dynamic-head" ? await dynamicHeadStart(data, seed) : glipStart(method);
  const frozen = new RegExp(way.frozen.join("|"));
  const key = method === "dynamic-head" ? `${method} ${start.tokens}` : method;
  const step = steps.get(key) ?? new GroundingTrainingStep(start.model, { frozen, threads: 1 });
  steps.set(key, step);
  const composer = await createComposer({
    ...{ vocabulary: start.vocabulary, seed, pictures: recipe.pictures, sizes: [recipe.side], longest: recipe.longest },
    ...{ tokens: start.tokens, maxTokens: start.model.maxTokens, flip: 0.5 },
    sources: [{ data, weight: 1, ...(shots === "all" ? {} : { shots }) }],
    negatives: { most: 85, one: 0, none: 0, all: 1, ordered: true },
  });
  const { weights } = await train({
    weights: start.weights,
    step: (current, batch) => step.run(current, batch),
    source: localBatchSource(composer),
    optimizer: new AdamW(groupsOf(start.weights, frozen, way)),
    totalSteps: way.steps,
    learningRate: withWarmup(cosine({ totalSteps: way.steps, floor: 0.01 }), { steps: Math.ceil(way.steps / 20) }),
    clip: 1,
  });
  return score(start, weights as Weights, groundTruth);
}

function groupsOf(weights: Weights, frozen: RegExp, { learningRate, backboneLearningRate }: Tuning) {
  const names = [...weights.keys()].filter((name) => !frozen.test(name));
  const rules = backboneLearningRate ? [{ pattern: /^backbone\.body/, learningRate: backboneLearningRate }] : [];
  return parameterGroups(names, { learningRate, weightDecay: 0.05, rules });
}

/** The built-in model; for prompt tuning with a learned vector to be added to what the words of each place have become (GLIP `tunable_linear`). */
function glipStart(method: Method): Start {
  const { model, words } = everyday;
  const weights: Weights = new Map([...everyday.weights].map(([name, numbers]) => [name, numbers.slice()]));
  const shared = { words, vocabulary: choices.vocabulary, tokens: recipe.tokens };
  if (method !== "prompt") return { ...shared, model, weights };
  const shape = [model.maxTokens, model.textWidth] as const;
  weights.set("prompt", new Float32Array(shape[0] * shape[1]));
  const text: Detector["text"] = (ids, mask) =>
    add(model.text(ids, mask), slice(parameter("prompt", shape), { axis: 0, end: ids.shape[1]! }));
  return { ...shared, model: { ...model, text }, weights };
}

/** A Dynamic Head of the set's classes with first values of the seed, its body as it was trained on photos. */
async function dynamicHeadStart(data: string, seed: number): Promise<Start> {
  const { names } = await readSource({ data });
  const model = dynamicHead({ ...recipe.dynamicHead.model, classes: names });
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
  return { model, words: new KnownClasses(names), vocabulary: names, tokens: names.length, weights };
}

async function score(start: Start, weights: Weights, groundTruth: string): Promise<Record<string, number>> {
  const evaluation = await datasetEvaluation(
    { evaluateEvery: 1, evaluatePictures: Number.POSITIVE_INFINITY },
    { sizes: [recipe.side], longest: recipe.longest },
    { data: groundTruth },
    start,
  );
  return evaluation.run({ weights, average: undefined, step: 0 });
}
