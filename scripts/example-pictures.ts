/**
 * Makes the pictures of the README's first command: scenes of apples, chairs and dogs that are not in the training data, chosen so that the
 * built-in model finds exactly the things in them.
 *
 *     npx tsx scripts/example-pictures.ts --to examples/pictures
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import sharp from "sharp";
import { composeScene, loadWorld } from "../src/data/scenes/index.ts";
import { loadModel } from "../src/tasks/finding/load-model.ts";
import { countHits } from "../src/tasks/grounding/scene-scores.ts";

const { to, sprites, pictures, threshold } = new Command()
  .requiredOption("--to <folder>", "where scene-1.jpg and so on go")
  .option("--sprites <folder>", "folder of rendered drawings", "runs/sprites")
  .option("--pictures <number>", "how many", Number, 3)
  .option("--threshold <score>", "the command's own", Number, 0.5)
  .parse()
  .opts<{ to: string; sprites: string; pictures: number; threshold: number }>();

/** No score is close to the threshold, so that the rounding of another processor, or one more period in the prompt, changes nothing. */
const MARGIN = 0.05;
const names = ["apple", "chair", "dog"];
const world = loadWorld(sprites, { split: "seen", names });
const model = await loadModel();
let made = 0;
for (let seed = 1; made < pictures; seed++) {
  const scene = composeScene(world, seed, { width: 320, height: 320, objects: 4, smallest: 0.25 });
  if (scene.objects.some(({ visible }) => visible < 0.95)) continue;
  if (new Set(scene.objects.map(({ name }) => name)).size < names.length) continue;
  const { data, width, height } = scene.picture;
  const file = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
  const found = await model.detect(file, names, { threshold: threshold - MARGIN });
  if (found.length !== scene.objects.length || countHits(scene, found) < found.length) continue;
  if (found.some(({ score }) => score < threshold + MARGIN)) continue;
  await writeFile(join(to, `scene-${++made}.jpg`), file);
  console.log(`scene-${made}.jpg: seed ${seed}, ${scene.caption}`);
}
await model.dispose();
