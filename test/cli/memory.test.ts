/** Compares the memory estimate before a run with the memory of the run. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import sharp from "sharp";
import { groundling, repository, temporaryFolder, writeTinyModel } from "./running.ts";

const folder = temporaryFolder();
const data = join(folder, "instances.json");
const SIDE = 320;
const PICTURES = 4;
after(() => rmSync(folder, { recursive: true }));
before(async () => {
  mkdirSync(join(folder, "images"));
  const images = Array.from({ length: PICTURES }, (_, id) => ({
    ...{ id: id + 1, file_name: `${id}.png`, width: SIDE, height: SIDE },
  }));
  for (const { id, file_name } of images)
    await sharp({
      create: { width: SIDE, height: SIDE, channels: 3, background: { r: 40 * id, g: 90, b: 160 } },
    }).toFile(join(folder, "images", file_name));
  const annotations = images.map(({ id }) => ({ id, image_id: id, category_id: 1, bbox: [80, 80, 120, 120] }));
  writeFileSync(data, JSON.stringify({ images, annotations, categories: [{ id: 1, name: "dog" }] }));
});

/** Runs `groundling`; returns the bytes of its estimate and its peak memory. */
async function memoryOf(words: readonly string[]): Promise<{ told: number; taken: number }> {
  const hook = `import { writeSync } from "node:fs";
    process.on("exit", () => writeSync(2, \`peak \${process.resourceUsage().maxRSS}\\n\`));`;
  const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(hook)}`;
  const { code, stderr } = await groundling(words, { env: { NODE_OPTIONS } });
  assert.equal(code, 0, stderr);
  const [, number, unit] = /memory: about ([\d.]+) (MB|GB)/.exec(stderr)!;
  const peaks = [...stderr.matchAll(/^peak (\d+)$/gm)].map(([, kilobytes]) => 1024 * Number(kilobytes));
  return { told: Number(number) * (unit === "GB" ? 1e9 : 1e6), taken: Math.max(...peaks) };
}

function assertNear({ told, taken }: { told: number; taken: number }): void {
  assert.ok(Math.abs(told - taken) < 0.3 * taken, `${told / 1e6} MB were told, ${taken / 1e6} MB taken`);
}

test("train estimates its memory within 30 %, also with a convolutional backbone", async () => {
  const recipe = JSON.parse(readFileSync(join(repository, "recipes/from-disk.json"), "utf8"));
  const { heldOut: _, ...rest } = recipe.data;
  const small = {
    ...{ ...recipe, words: join(repository, "assets/words"), shards: 1, steps: 1, warmup: 0 },
    model: { ...recipe.model, steps: 1 },
    data: { ...rest, sizes: [SIDE], longest: SIDE, pictures: PICTURES, sources: [{ data, weight: 1 }] },
  };
  const file = join(folder, "recipe.json");
  writeFileSync(file, JSON.stringify(small));
  assertNear(await memoryOf(["train", file, "--out", join(folder, "run")]));
});

test("adapt estimates its memory within 30 %", async () => {
  const model = join(folder, "model");
  await writeTinyModel(model);
  const how = ["--method", "full", "--steps", "1", "--retain", "none", "--size", `${SIDE},${SIDE}`];
  assertNear(await memoryOf(["adapt", "--data", data, "--model", model, ...how, "--out", join(folder, "adapted")]));
});
