/**
 * Measures how well a model tells names apart on generated scenes: of the things that it finds a box for, how often their own name has the
 * highest score, or one of the five highest, of all names of the split. Names that are not in the training data are also recognised by the
 * scores of trained names: the mean of the trained names' word vectors, weighted by their probabilities, is compared with all names
 * (Norouzi et al. 2013, "ConSE", with the vectors of assets/words). This shows how much word vectors say about pictures.
 *
 *     npx tsx scripts/names-told-apart.ts --model assets/models/everyday --sprites runs/sprites
 */

import { readFileSync } from "node:fs";
import { Command } from "commander";
import { decodeBoxes } from "../src/boxes/box-coder.ts";
import { overlapPlain } from "../src/boxes/overlap.ts";
import type { LevelOutputs } from "../src/boxes/select.ts";
import { composeScene, loadWorld, type Scene, type Split } from "../src/data/scenes/index.ts";
import { prepareImage } from "../src/inputs/pictures/prepare-image.ts";
import type { Pass } from "../src/inputs/words/prompts.ts";
import { readModel } from "../src/tasks/finding/model-folder.ts";
import { Predictor, type TextFeatures } from "../src/tasks/finding/predictor.ts";
import { openSafetensors } from "../src/weights/safetensors.ts";

interface Choices {
  model: string;
  count: number;
  sprites: string;
}

/** Names of one caption, which is encoded once for all scenes. */
interface Asked {
  pass: Pass;
  text: TextFeatures;
}

const { model, count, sprites } = new Command()
  .requiredOption("--model <folder>", "a GLIP")
  .option("--count <number>", "scenes of each split", Number, 100)
  .option("--sprites <folder>", "folder of rendered drawings", "runs/sprites")
  .parse()
  .opts<Choices>();
const stored = await readModel(model);
const { words, preparation } = stored;
const { maxTokens } = stored.model;
const predictor = new Predictor(stored.model, stored.weights);
const vectors = await wordVectors();
const worldOf = (split: Split) =>
  loadWorld(sprites, { split, grounds: true, ...(split === "seen" ? { models: true } : {}) });
const learned = worldOf("seen").names;

for (const split of ["seen", "novel"] as const) {
  const world = worldOf(split);
  const all = [...new Set([...learned, ...world.names])];
  const lettered = all.map(vectorOf);
  const { passes } = words.promptOf(all, { maxTokens });
  const asked: Asked[] = [];
  for (const pass of passes) asked.push({ pass, text: await predictor.text(pass.ids) });
  const [own, byWords]: [number[], number[]] = [[], []];
  let things = 0;
  for (let seed = 0; seed < count; seed++) {
    const scene = composeScene(world, seed);
    things += scene.objects.length;
    for (const { name, logits } of await boxedThings(scene, asked, all.length)) {
      own.push(rank(name, world.names, (one) => logits[all.indexOf(one)]!));
      if (split === "seen") continue;
      const weights = softmax(learned.map((one) => logits[all.indexOf(one)]!));
      const meant = lettered[0]!.map((_, k) => learned.reduce((sum, _, i) => sum + weights[i]! * lettered[i]![k]!, 0));
      byWords.push(rank(name, world.names, (one) => product(meant, lettered[all.indexOf(one)]!)));
    }
  }
  const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
  const told = (ranks: readonly number[]) =>
    `${percent(ranks.filter((at) => at === 0).length, ranks.length)} first, ${percent(ranks.filter((at) => at < 5).length, ranks.length)} among five`;
  console.log(
    `${split}: ${things} things, ${percent(own.length, things)} boxed; their own name of ${world.names.length}: ${told(own)}${split === "novel" ? `; by the words of learned names: ${told(byWords)}` : ""}`,
  );
}
await predictor.dispose();

/**
 * The things that a box overlaps by at least half, and the scores of every name for the best of these boxes: the mean logit of its tokens.
 */
async function boxedThings({ picture, objects }: Scene, asked: readonly Asked[], names: number) {
  const prepared = prepareImage(picture, preparation);
  const features = await predictor.image(prepared);
  const answers: LevelOutputs[][] = [];
  for (const { text } of asked) answers.push(await predictor.answer(features, text));
  const boxes = answers[0]!.map(({ offsets, anchors }) => {
    const places = anchors.length / 4;
    return decodeBoxes(
      anchors.map((_, k) => offsets[(k % 4) * places + Math.floor(k / 4)]!),
      anchors,
    );
  });
  return objects.flatMap(({ name, box }) => {
    const truth = Float32Array.from(
      box,
      (side, k) => (side * prepared[k % 2 ? "height" : "width"]) / picture[k % 2 ? "height" : "width"],
    );
    let surest = { level: -1, place: -1, centerness: -Infinity };
    answers[0]!.forEach(({ centerness }, level) => {
      centerness.forEach((value, place) => {
        if (value > surest.centerness && overlapPlain(boxes[level]!, place, truth, 0) >= 0.5)
          surest = { level, place, centerness: value };
      });
    });
    if (surest.level < 0) return [];
    const logits = new Float32Array(names);
    asked.forEach(({ pass: { classes, labelTokens } }, k) => {
      const { logits: found, centerness } = answers[k]![surest.level]!;
      const row = surest.place * (found.length / centerness.length);
      classes.forEach((label, at) => {
        const tokens = labelTokens[at]!;
        logits[label] = tokens.reduce((sum, token) => sum + found[row + token]!, 0) / tokens.length;
      });
    });
    return [{ name, logits }];
  });
}

/** By word, minus their mean. */
async function wordVectors(): Promise<Map<string, Float32Array>> {
  const file = await openSafetensors("assets/words/vectors.safetensors");
  const numbers = await file.readFloat32("vectors");
  const [rows, width] = file.entries.get("vectors")!.shape as [number, number];
  await file.close();
  const mean = Array.from({ length: width }, (_, k) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += numbers[row * width + k]!;
    return sum / rows;
  });
  const list = readFileSync("assets/words/vocab.txt", "utf8").split("\n").slice(0, rows);
  return new Map(
    list.map((word, row) => [word, numbers.subarray(row * width, (row + 1) * width).map((x, k) => x - mean[k]!)]),
  );
}

/** The mean of the vectors of a name's words, normalised to length 1. */
function vectorOf(name: string): Float32Array {
  const known = name.split(" ").flatMap((word) => vectors.get(word) ?? []);
  const sum = vectors.get("[PAD]")!.map((_, k) => known.reduce((total, vector) => total + vector[k]!, 0));
  const length = Math.hypot(...sum) || 1;
  return sum.map((x) => x / length);
}

/** The number of other names with a higher score. */
function rank(name: string, names: readonly string[], score: (name: string) => number): number {
  const own = score(name);
  return names.filter((one) => score(one) > own).length;
}

function softmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const parts = logits.map((logit) => Math.exp(logit - most));
  const total = parts.reduce((sum, part) => sum + part, 0);
  return parts.map((part) => part / total);
}

function product(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, k) => sum + x * b[k]!, 0);
}
