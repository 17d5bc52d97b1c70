/**
 * Times training steps of the built-in model (recipes/wide-world.json: 16 pictures of 192 pixels; losses, gradients, clipping, AdamW, moving
 * average) with one shard and with two. The ceiling of a second core is measured in the same turns: the rate of two trainings of one
 * thread at once, divided by that of one alone.
 *
 *   node --import tsx bench/shards.ts      RUNS (3), STEPS (12) and PICTURES (16) are read from the environment
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { modelOfRun } from "../src/apps/training/model-of-run.ts";
import { lossesOf, recipeSchema } from "../src/apps/training/recipe.ts";
import { Random } from "../src/data/random.ts";
import { AdamW } from "../src/learning/adamw.ts";
import { performAll } from "../src/learning/array-work.ts";
import { clipFactor, globalNorm } from "../src/learning/clip.ts";
import { averageTasks, copyNumbers } from "../src/learning/ema.ts";
import { parameterGroups } from "../src/learning/parameter-groups.ts";
import { sharedCopy } from "../src/learning/shared-arrays.ts";
import { GroundingTrainingStep } from "../src/tasks/grounding/training-step.ts";
import { median, randomBatch } from "./random-batch.ts";

interface Measured {
  /** Milliseconds a step, and of it those outside the traced step. */
  step: number;
  update: number;
  /** Milliseconds of processor time a step, of all threads. */
  processor: number;
  /** Megabytes at the peak. */
  memory: number;
}

const WARM_UP = 3;
const [shards] = process.argv.slice(2).map(Number);
if (shards) console.log(JSON.stringify(await train(shards)));
else await compare();

async function compare(): Promise<void> {
  const turns = { alone: [] as Measured[], pair: [] as Measured[], shards: [] as Measured[] };
  for (let turn = 0; turn < Number(process.env["RUNS"] ?? 3); turn++) {
    turns.alone.push(await measured(1));
    turns.pair.push(...(await Promise.all([measured(1), measured(1)])));
    turns.shards.push(await measured(2));
  }
  const of = (name: keyof typeof turns, what: keyof Measured) => median(turns[name].map((one) => one[what]));
  for (const name of ["alone", "pair", "shards"] as const)
    console.log(
      `${name.padEnd(7)} ${of(name, "step").toFixed(0)} ms a step, update ${of(name, "update").toFixed(0)} ms, processor ${of(name, "processor").toFixed(0)} ms, ${of(name, "memory").toFixed(0)} MB`,
    );
  const ceiling = (2 * of("alone", "step")) / of("pair", "step");
  const reached = of("alone", "step") / of("shards", "step");
  console.log(
    `two shards ${reached.toFixed(2)} x, ceiling ${ceiling.toFixed(2)} x: ${(reached / ceiling).toFixed(2)} of it`,
  );
}

async function measured(shards: number): Promise<Measured> {
  const words = ["--import", "tsx", fileURLToPath(import.meta.url), String(shards)];
  return JSON.parse((await promisify(execFile)(process.execPath, words)).stdout);
}

async function train(shards: number): Promise<Measured> {
  const file = new URL("../recipes/wide-world.json", import.meta.url);
  const recipe = recipeSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const { model } = await modelOfRun(recipe);
  const random = new Random(1, "bench");
  const uniform = () => random.unit();
  const initial = new Map(model.parameters.map(({ name, shape, initialise }) => [name, initialise(shape, uniform)]));
  const weights = shards > 1 ? sharedCopy(initial) : initial;
  const pictures = Number(process.env["PICTURES"] ?? recipe.data.pictures);
  const batch = randomBatch(random, { pictures, side: 192, tokens: 112, maxTokens: 112 });
  const frozen = new RegExp(recipe.frozen.join("|"));
  const trained = [...weights.keys()].filter((name) => !frozen.test(name));
  const step = new GroundingTrainingStep(model, { shards, losses: lossesOf(recipe), frozen, threads: 1 });
  const optimizer = new AdamW(parameterGroups(trained, { learningRate: 1e-6, weightDecay: 1e-4 }));
  const average = copyNumbers(weights);
  const [steps, updates]: [number[], number[]] = [[], []];
  let before = process.cpuUsage();
  for (let i = -WARM_UP; i < Number(process.env["STEPS"] ?? 12); i++) {
    if (i === 0) before = process.cpuUsage();
    const started = performance.now();
    const { gradients } = await step.run(weights, batch);
    const computed = performance.now();
    const factor = clipFactor(await globalNorm(gradients), 1);
    const tasks = optimizer.tasks(weights, gradients, { gradient: factor });
    await performAll([...tasks, ...averageTasks(average, weights, 0.998)]);
    if (i < 0) continue;
    steps.push(performance.now() - started);
    updates.push(performance.now() - computed);
  }
  const { user, system } = process.cpuUsage(before);
  await step.dispose();
  const processor = (user + system) / 1000 / steps.length;
  return { step: median(steps), update: median(updates), processor, memory: process.resourceUsage().maxRSS / 1024 };
}
