/**
 * A small version of GLIP's first claim (paper, table 2 and section 4): trains one model on detection data, on grounding data and on both,
 * with and without deep fusion, with three seeds each and the same number of pictures. Appends a line per run, continues after an
 * interruption, and prints the table.
 *
 *     npx tsx scripts/compare-data.ts --results docs/results/detection-and-grounding.jsonl
 */

import { join } from "node:path";
import { Command } from "commander";
import { readRecipe, scenesOf } from "../src/apps/training/recipe.ts";
import { groundling, scored, trained } from "./command-line.ts";
import { appendResult, readResults } from "./results.ts";
import { meanAndInterval } from "./statistics.ts";

const {
  recipe: file,
  results,
  out,
  sprites,
  seeds,
  count,
} = new Command()
  .option("--recipe <file>", "what all runs share", "recipes/detection-and-grounding.json")
  .option("--results <file>", "a line for each run", "runs/compare-data/results.jsonl")
  .option("--out <folder>", "scenes and models", "runs/compare-data")
  .option("--sprites <folder>", "folder of rendered drawings", "runs/sprites")
  .option("--seeds <number>", "runs of each kind", Number, 3)
  .option("--count <number>", "scenes to score on", Number, 150)
  .parse()
  .opts<{ recipe: string; results: string; out: string; sprites: string; seeds: number; count: number }>();

const shared = readRecipe(file);
const world = scenesOf(shared);
if (shared.model.kind === "dynamic-head") throw new Error("the comparison is of GLIPs; a Dynamic Head reads no words");
const { fusion: _, ...withoutFusion } = shared.model;
const sources = { detection: 0, grounding: 1, both: world.sentences };
const models = { "with fusion": shared.model, "without fusion": withoutFusion };

interface Run {
  source: keyof typeof sources;
  model: keyof typeof models;
  seed: number;
  AP50: number;
  AP: number;
  recallAt1: number;
}

const test = join(out, "test");
const { sizes, objects, smallest } = world;
const scenes = Object.entries({ count, seed: 11, size: sizes[0], objects, smallest }).flatMap(([name, value]) => [
  `--${name}`,
  String(value),
]);
const names = (world.names as string[]).join(",");
groundling("scenes", "--out", test, "--split", "seen", "--names", names, ...scenes, "--sprites", sprites);
const runs = () => readResults<Run>(results);
for (let seed = 1; seed <= seeds; seed++)
  for (const source of Object.keys(sources) as (keyof typeof sources)[])
    for (const model of Object.keys(models) as (keyof typeof models)[])
      if (!runs().some((run) => run.seed === seed && run.source === source && run.model === model))
        runOne(source, model, seed);
console.log(tableOf(runs()));

function runOne(source: keyof typeof sources, model: keyof typeof models, seed: number): void {
  const folder = join(out, "run");
  const packed = join(folder, "model");
  const data = { ...world, sentences: sources[source] };
  const recipe = { ...shared, model: models[model], seed, data };
  trained(recipe, { folder, to: packed, side: sizes[0]!, card: file, sprites });
  const boxes = scored(packed, "coco", join(test, "instances.json"), join(folder, "boxes.jsonl"));
  const phrases = scored(packed, "flickr30k", join(test, "grounding.json"), join(folder, "phrases.jsonl"));
  const run = { source, model, seed, AP50: boxes.AP50, AP: boxes.AP, recallAt1: phrases["R@1"] } as Run;
  appendResult(results, run);
}

function tableOf(all: readonly Run[]): string {
  const lines = ["| trained on | deep fusion | AP50 | AP | R@1 of phrases | runs |", "|---|---|---|---|---|---|"];
  for (const source of Object.keys(sources))
    for (const model of Object.keys(models)) {
      const some = all.filter((run) => run.source === source && run.model === model);
      const cells = (["AP50", "AP", "recallAt1"] as const).map((key) =>
        meanAndInterval(some.map((run) => 100 * run[key])),
      );
      lines.push(`| ${[source, model.split(" ")[0], ...cells, some.length].join(" | ")} |`);
    }
  return lines.join("\n");
}
