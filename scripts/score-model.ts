/**
 * Scores a model on generated scenes that are not in its training data, for its model card: the drawing styles of the training and a
 * held-out style, prompts of eight names and of all names. npx tsx scripts/score-model.ts --model assets/models/everyday --recipe
 * recipes/first-world.json --pictures 200
 */

import { Command } from "commander";
import { readRecipe, scenesOf } from "../src/apps/training/recipe.ts";
import { loadWorld } from "../src/data/scenes/index.ts";
import { loadModel } from "../src/tasks/finding/load-model.ts";
import { scoreScenes } from "../src/tasks/grounding/scene-scores.ts";

const {
  model: folder,
  recipe: file,
  pictures,
  seed,
  sprites,
} = new Command()
  .requiredOption("--model <folder>", "model to score")
  .requiredOption("--recipe <file>", "recipe whose world and scenes are used")
  .option("--pictures <number>", "scenes of each kind", Number, 200)
  .option("--seed <number>", "seed of the scenes", Number, 5)
  .option("--sprites <folder>", "folder of rendered drawings", "runs/sprites")
  .parse()
  .opts<{ model: string; recipe: string; pictures: number; seed: number; sprites: string }>();

const data = scenesOf(readRecipe(file));
const side = data.sizes[0]!;
const scene = { width: side, height: side, objects: data.objects, smallest: data.smallest };
const model = await loadModel(folder);
console.log("split  names in prompt  threshold  found  false alarms per picture  things");
for (const split of ["seen", "style"] as const) {
  const world = loadWorld(sprites, { split, ...(data.names ? { names: data.names } : {}) });
  for (const names of [8, world.names.length])
    for (const threshold of [0.2, 0.3, 0.4, 0.5]) {
      const scores = await scoreScenes(model, world, { pictures, seed, scene, names, threshold });
      const numbers = [scores.found.toFixed(3), scores.falseAlarms.toFixed(2), scores.things];
      console.log([split, names, threshold, ...numbers].join("\t"));
    }
}
await model.dispose();
