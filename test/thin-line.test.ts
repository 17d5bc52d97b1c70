import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import sharp from "sharp";
import { readRecipe, scenesOf } from "../src/apps/training/recipe.ts";
import { Random } from "../src/data/random.ts";
import { composeScene, loadWorld } from "../src/data/scenes/index.ts";
import { loadModel } from "../src/index.ts";
import { countHits, promptFor } from "../src/tasks/grounding/scene-scores.ts";

const PICTURES = 50;
const NAMES = 5;
const THRESHOLD = 0.5;

const folder = mkdtempSync(join(tmpdir(), "groundling-thin-line-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("the built-in model finds the named things in new picture files", async () => {
  const data = scenesOf(readRecipe("recipes/first-world.json"));
  const world = loadWorld(join(folder, "sprites"), { split: "seen", names: data.names! });
  const scenes = { width: data.sizes[0]!, height: data.sizes[0]!, objects: data.objects, smallest: data.smallest };
  const model = await loadModel();
  let [things, hits, alarms] = [0, 0, 0];
  for (let i = 0; i < PICTURES; i++) {
    const random = new Random(2026, "scores", i);
    const scene = composeScene(world, random.below(2 ** 31), scenes);
    const file = join(folder, `${i}.png`);
    const { data: pixels, width, height } = scene.picture;
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(file);
    const found = await model.detect(file, promptFor(scene, world, NAMES, random), { threshold: THRESHOLD });
    const right = countHits(scene, found);
    things += scene.objects.length;
    hits += right;
    alarms += found.length - right;
  }
  await model.dispose();
  assert.ok(hits / things >= 0.8, `${hits} of ${things} things were found`);
  assert.ok(alarms / PICTURES <= 1, `${alarms} false alarms in ${PICTURES} pictures`);
});
