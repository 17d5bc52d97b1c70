/**
 * Scores a model on the fixed splits of the generated world with `groundling eval`, and on the real photos: things found and false
 * positives.
 *
 *     npx tsx scripts/score-splits.ts --model assets/models/everyday --count 100 --sprites runs/sprites --real runs/real
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { loadModel } from "../src/tasks/finding/load-model.ts";
import { countHits } from "../src/tasks/grounding/scene-scores.ts";
import { groundling, scored } from "./command-line.ts";

interface Choices {
  model: string;
  count: number;
  sprites: string;
  out: string;
  real?: string;
  seed: number;
}

const choices = new Command()
  .requiredOption("--model <folder>", "model to score")
  .option("--count <number>", "scenes of each split", Number, 100)
  .option("--seed <number>", "which scenes", Number, 7)
  .option("--sprites <folder>", "folder of rendered drawings", "runs/sprites")
  .option("--out <folder>", "where scenes and detections are kept", "runs/splits")
  .option("--real <folder>", "photos gathered by scripts/world/real-photos.ts")
  .parse()
  .opts<Choices>();
const { model, count, seed, sprites, out, real } = choices;

for (const split of ["seen", "style", "novel", "compose"]) {
  const folder = join(out, split);
  const models = split === "seen" || split === "compose" ? ["--models"] : [];
  const scenes = ["--split", split, "--count", String(count), "--seed", String(seed), "--grounds", ...models];
  groundling("scenes", "--out", folder, ...scenes, "--sprites", sprites);
  const boxes = scored(model, "coco", join(folder, "instances.json"), join(folder, "boxes.jsonl"));
  const phrases = scored(model, "flickr30k", join(folder, "grounding.json"), join(folder, "phrases.jsonl"));
  const percent = (value: number | undefined) => (100 * (value ?? Number.NaN)).toFixed(1);
  console.log(`${split}: AP50 ${percent(boxes.AP50)}, AP ${percent(boxes.AP)}, R@1 ${percent(phrases["R@1"])}`);
}
if (real) await scorePhotos(real);

interface Instances {
  images: { id: number; file_name: string }[];
  annotations: { image_id: number; category_id: number; bbox: [number, number, number, number] }[];
  categories: { id: number; name: string }[];
}

/** The prompt for every photo has all names of the set; most things are not in the photo. */
async function scorePhotos(folder: string): Promise<void> {
  const { images, annotations, categories }: Instances = JSON.parse(
    readFileSync(join(folder, "instances.json"), "utf8"),
  );
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  const detector = await loadModel(model);
  const photos = [];
  for (const { id, file_name } of images) {
    const objects = annotations
      .filter(({ image_id }) => image_id === id)
      .map(({ category_id, bbox: [x, y, w, h] }) => {
        const box: [number, number, number, number] = [x, y, x + w, y + h];
        return { name: names.get(category_id)!, box };
      });
    const found = await detector.detect(join(folder, "images", file_name), [...names.values()], { threshold: 0 });
    photos.push({ objects, found });
  }
  await detector.dispose();
  const things = photos.reduce((sum, { objects }) => sum + objects.length, 0);
  console.log(`real: ${photos.length} photos, ${things} things, ${names.size} names in the prompt`);
  for (let threshold = 0.1; threshold < 0.7; threshold += 0.05) {
    const kept = photos.map(({ objects, found }) => {
      const sure = found.filter(({ score }) => score >= threshold);
      const hits = countHits({ objects }, sure);
      return { hits, alarms: sure.length - hits };
    });
    const hits = kept.reduce((sum, one) => sum + one.hits, 0);
    const alarms = kept.reduce((sum, one) => sum + one.alarms, 0) / photos.length;
    console.log(
      `  threshold ${threshold.toFixed(2)}: found ${(hits / things).toFixed(3)}, false alarms a photo ${alarms.toFixed(2)}`,
    );
  }
}
