/**
 * A small version of GLIP's second claim (paper, section 3.3): a teacher trained on annotated scenes labels captioned scenes, whose
 * sentences also have names without annotations. A student with the same initial weights and the same number of steps is trained on both.
 * Then one setting is changed at a time: the threshold, the number of captioned scenes, class names instead of sentences, scores of boxes
 * as targets, and a second round in which the student is the teacher. Appends a line per run, continues after an interruption, and prints
 * the table.
 *
 *     npx tsx scripts/self-training.ts --results docs/results/self-training.jsonl
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { readRecipe } from "../src/apps/training/recipe.ts";
import { RecipeError } from "../src/errors.ts";
import { groundling, scored, trained } from "./command-line.ts";
import { appendResult, readResults } from "./results.ts";
import { meanAndInterval } from "./statistics.ts";

const {
  recipe: file,
  results,
  out,
  sprites,
  seeds,
  annotated,
  captioned,
} = new Command()
  .option(
    "--recipe <file>",
    "the teacher's recipe, which students share but for their sources",
    "recipes/self-training.json",
  )
  .option("--results <file>", "a line for each run", "runs/self-training/results.jsonl")
  .option("--out <folder>", "scenes, labels and models", "runs/self-training")
  .option("--sprites <folder>", "folder of rendered drawings", "runs/sprites")
  .option("--seeds <number>", "runs of each kind", Number, 3)
  .option("--annotated <number>", "annotated scenes of each seed", Number, 400)
  .option("--captioned <number>", "captioned scenes of each seed", Number, 1024)
  .parse()
  .opts<Choices>();

interface Choices {
  recipe: string;
  results: string;
  out: string;
  sprites: string;
  seeds: number;
  annotated: number;
  captioned: number;
}

const SEEN = [
  "apple",
  "chair",
  "dog",
  "car",
  "bicycle",
  "clock",
  "umbrella",
  "airplane",
  "fish",
  "key",
  "cup",
  "house",
];
const NOVEL = [
  "tiger",
  "pumpkin",
  "helmet",
  "bottle",
  "sandwich",
  "lobster",
  "tram",
  "wheelchair",
  "swan",
  "mango",
  "fan",
  "squirrel",
];

/** The settings of one student that differ. */
interface Variant {
  captions: "sentences" | "names";
  threshold: number;
  /** Fraction of the captioned scenes that are used. */
  share: number;
  /** Whether the score of a box is the target of its words. */
  weighted: boolean;
  /** The model that labels: the teacher, or the student of the first round; nobody for a teacher, which learns only from annotations. */
  labeller: "teacher" | "student" | "nobody";
  /** Number of steps as a multiple of the recipe's. */
  times: number;
}
const student: Variant = {
  captions: "sentences",
  threshold: 0.5,
  share: 1,
  weighted: false,
  labeller: "teacher",
  times: 1,
};
const variants = {
  teacher: { ...student, labeller: "nobody" },
  student,
  "student, twice the steps": { ...student, times: 2 },
  "student, three times the steps": { ...student, times: 3 },
  "teacher, twice the steps": { ...student, labeller: "nobody", times: 2 },
  "threshold 0.3": { ...student, threshold: 0.3 },
  "threshold 0.7": { ...student, threshold: 0.7 },
  "a quarter of the captions": { ...student, share: 0.25 },
  "half of the captions": { ...student, share: 0.5 },
  "class names as captions": { ...student, captions: "names" },
  "boxes teach by their score": { ...student, weighted: true },
  "second round": { ...student, labeller: "student" },
} satisfies Record<string, Variant>;
/** Labels are made once with the lowest threshold; the others are selected from them. */
const LOWEST = 0.3;

interface Run {
  kind: string;
  seed: number;
  /** AP50 on scenes of the names without annotations, and of the names with annotations; 0 to 1. */
  novel: number;
  seen: number;
  /** Number of training boxes besides the annotated ones. */
  boxes: number;
}

const base = readRecipe(file);
if (base.data.kind !== "datasets") throw new RecipeError(`${file}: a teacher's recipe trains on datasets`);
const data = base.data;
const side = data.sizes[0]!;
const runs = () => readResults<Run>(results);
const tests = {
  seen: scenes("test-seen", 150, 31, SEEN, "--split", "seen"),
  novel: scenes("test-novel", 150, 32, NOVEL, "--split", "novel"),
};

type Kind = keyof typeof variants;
const kinds = Object.keys(variants) as Kind[];
for (const kind of kinds)
  for (let seed = 1; seed <= seeds; seed++) {
    if (isDone(kind, seed)) continue;
    const boxed = scenes(`${seed}/annotated`, annotated, 40 + seed, SEEN);
    const truth = ["instances.json", "grounding.json"].map((name) => ({ data: join(boxed, name), weight: 1 }));
    const variant: Variant = variants[kind];
    if (variant.labeller === "nobody") runOne(kind, seed, truth, 0);
    else {
      const { labels, images, boxes } = labelsFor(variant, seed);
      const found = { data: labels, images, weight: truth.length, ...(variant.weighted && { weighted: true }) };
      runOne(kind, seed, [...truth, found], boxes);
    }
  }
console.log(tableOf(runs()));

function scenes(name: string, count: number, seed: number, names: readonly string[], ...more: string[]): string {
  const folder = join(out, name);
  const told = ["--count", String(count), "--seed", String(seed), "--size", String(side), "--names", names.join(",")];
  groundling("scenes", "--out", folder, ...told, "--sprites", sprites, ...more);
  return folder;
}

function isDone(kind: string, seed: number): boolean {
  return runs().some((run) => run.kind === kind && run.seed === seed);
}

/** Trains, scores and records the result; the model stays in the folder of its kind. */
function runOne(kind: Kind, seed: number, sources: (typeof data)["sources"], boxes: number): void {
  const run = join(out, "run");
  const model = join(out, String(seed), kind);
  const recipe = { ...base, seed, steps: base.steps * variants[kind].times, data: { ...data, sources } };
  trained(recipe, { folder: run, to: model, side, card: file, sprites });
  const score = (split: "seen" | "novel") =>
    scored(model, "coco", join(tests[split], "instances.json"), join(run, `${split}.jsonl`)).AP50!;
  const line: Run = { kind, seed, novel: score("novel"), seen: score("seen"), boxes };
  appendResult(results, line);
}

/** The captioned scenes of a seed with the boxes that a variant is trained on. */
function labelsFor({ captions, threshold, share, labeller }: Variant, seed: number) {
  const folder = join(out, String(seed));
  const web = ["--split", "web", "--captions", captions];
  const images = scenes(`${seed}/${captions}`, captioned, 50 + seed, [...SEEN, ...NOVEL], ...web);
  const lines = labelled(join(folder, labeller), images, join(folder, `labels-${labeller}-${captions}`))
    .slice(0, Math.round(share * captioned))
    .map((line) => above(line, threshold));
  const labels = join(folder, "labels.jsonl");
  writeFileSync(labels, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const boxes = lines.flatMap(({ grounding }) => grounding.regions.flatMap(({ bbox }) => bbox)).length;
  return { labels, images, boxes };
}

interface Labelled {
  grounding: { caption: string; regions: Region[] };
}
interface Region {
  phrase: string;
  bbox: number[][];
  score: number[];
}

/** A model's detections in captioned scenes, as \`groundling pseudo-label\` writes them. */
function labelled(model: string, source: string, folder: string): Labelled[] {
  groundling("pseudo-label", source, "--model", model, "--out", folder, "--threshold", String(LOWEST));
  return readResults(join(folder, "grounding.jsonl"));
}

function above(line: Labelled, threshold: number): Labelled {
  const regions = line.grounding.regions.map((region) => {
    const kept = [...region.score.keys()].filter((i) => region.score[i]! > threshold);
    return { ...region, bbox: kept.map((i) => region.bbox[i]!), score: kept.map((i) => region.score[i]!) };
  });
  return { ...line, grounding: { ...line.grounding, regions: regions.filter(({ bbox }) => bbox.length > 0) } };
}

/** Means over seeds, and the gain over the teacher with the same seed. */
function tableOf(all: readonly Run[]): string {
  const lines = [
    "| | AP50, novel names | gain | AP50, seen names | gain | boxes found | seeds |",
    "|---|---|---|---|---|---|---|",
  ];
  const first = new Map(all.filter(({ kind }) => kind === "teacher").map((run) => [run.seed, run]));
  for (const kind of kinds) {
    const some = all.filter((run) => run.kind === kind && first.has(run.seed));
    const cells = (["novel", "seen"] as const).flatMap((split) => [
      meanAndInterval(some.map((run) => 100 * run[split])),
      kind === "teacher" ? "" : meanAndInterval(some.map((run) => 100 * (run[split] - first.get(run.seed)![split]))),
    ]);
    const boxes = Math.round(some.reduce((sum, run) => sum + run.boxes, 0) / Math.max(1, some.length));
    lines.push(`| ${[kind, ...cells, boxes, some.length].join(" | ")} |`);
  }
  return lines.join("\n");
}
