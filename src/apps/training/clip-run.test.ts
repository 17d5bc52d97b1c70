import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import sharp from "sharp";
import { loadEncoder } from "../../tasks/classifying/load-encoder.ts";
import { createComposer } from "../../tasks/classifying/pair-composer.ts";
import { clipRecipeOf } from "./clip-recipe.ts";
import { clipFile, runClipRecipe } from "./clip-run.ts";

const root = mkdtempSync(join(tmpdir(), "groundling-clip-run-"));
after(() => rmSync(root, { recursive: true }));
const colours = { red: "#e00", green: "#0c0", blue: "#11e", yellow: "#dd0", black: "#111", white: "#eee" };
const names = Object.keys(colours);

before(async () => {
  const lines: string[] = [];
  for (const [name, background] of Object.entries(colours)) {
    mkdirSync(join(root, "classes", name), { recursive: true });
    const picture = await sharp({ create: { width: 40, height: 40, channels: 3, background } })
      .png()
      .toBuffer();
    for (const file of [join("classes", name, "0.png"), `${name}.png`]) writeFileSync(join(root, file), picture);
    lines.push(JSON.stringify({ image: `${name}.png`, captions: [`a wall painted ${name}`, `${name} paint`] }));
  }
  writeFileSync(join(root, "captions.jsonl"), `${lines.join("\n")}\n`);
});

const recipe = {
  about: "test",
  seed: 1,
  model: {
    kind: "clip",
    embedding: 32,
    image: { kind: "vit", width: 64, layers: 1, patch: 16, resolution: 32 },
    text: { width: 64, layers: 1, vocabulary: 1000, context: 16 },
  },
  data: { kind: "captions", data: join(root, "captions.jsonl") },
  ...{ pictures: 6, crop: 0.8, flip: 0.5, frozen: [], steps: 60, learningRate: 0.003, weightDecay: 0.1, warmup: 5 },
  ...{ clip: 1, averageDecay: 0.8, evaluateEvery: 30, evaluatePictures: 6, checkpointEvery: 30 },
};

test("a small CLIP learns its photos and captions, and the model that is written loads as any other", async () => {
  const folder = join(root, "run");
  const heldOut = { kind: "classes", data: join(root, "classes"), templates: ["a wall painted {}"] };
  const checked = clipRecipeOf({ ...recipe, heldOut }, "recipe.json");
  const { step, best } = await runClipRecipe(checked, { folder, resume: false, quiet: true });
  assert.deepEqual([step, best], [60, 1]);
  const losses = readFileSync(join(folder, "log.jsonl"), "utf8").match(/"loss":[\d.]+/g)!;
  const [first, last] = [losses[0]!, losses.at(-1)!].map((text) => Number(text.split(":")[1]));
  // Guessing among six has a loss of log 6.
  assert.ok(Math.abs(first! - Math.log(6)) < 0.8 && last! < 0.7, `${first} ${last}`);
  await using encoder = await loadEncoder(clipFile(folder));
  for (const name of names) {
    const [ranked] = await encoder.classify(join(root, `${name}.png`), names, { templates: ["{} paint"] });
    assert.equal(ranked!.label, name);
  }
  await assert.rejects(runClipRecipe(checked, { folder, resume: false, quiet: true }), {
    name: "InputError",
    message: /contains a run/,
  });
});

test("a batch depends only on its number, and has each class at most once", async () => {
  const setup = {
    pairs: { kind: "classes", data: join(root, "classes"), split: "val", templates: ["a {}.", "the {}."] },
    ...{ seed: 3, pictures: 5, side: 32, vocabulary: 1000, context: 12, crop: 0.5, flip: 0.5 },
  } as const;
  const [one, other] = [await createComposer(setup), await createComposer(setup)];
  await one.compose(0);
  const [batch, same] = [await one.compose(7), await other.compose(7)];
  assert.deepEqual(batch, same);
  const { ids, ends, tokens, pictures } = batch;
  const rows = Array.from({ length: pictures }, (_, i) => String(ids.subarray(i * tokens, (i + 1) * tokens)));
  // The start token and "a" or "the" are the same; the names differ.
  assert.equal(new Set(rows.map((row) => row.split(",").slice(2).join())).size, pictures);
  ends.forEach((end, i) => {
    assert.equal(ids[Number(end)], 999n);
    assert.equal(Math.floor(Number(end) / tokens), i);
  });
  await assert.rejects(createComposer({ ...setup, pictures: 7 }), {
    name: "InputError",
    message: /has 6 classes; a batch needs 7/,
  });
});

test("recipes with mistakes are refused with their mends", () => {
  const refused = (changes: object, message: RegExp) =>
    assert.throws(() => clipRecipeOf({ ...recipe, ...changes }, "bad.json"), { name: "RecipeError", message });
  refused(
    { data: { kind: "captions", data: join(root, "absent.jsonl") } },
    /bad\.json: data: found no .*absent\.jsonl/,
  );
  refused({ data: { ...recipe.data, kind: "classes", templates: ["a photo"] } }, /must contain \{\}/);
  const image = { kind: "resnet", blocks: [1, 1, 1, 1], width: 8, resolution: 32 };
  refused({ model: { ...recipe.model, image } }, /a ResNet needs trained weights; give from/);
  refused({ pictures: 1 }, /pictures/);
  refused({ model: { ...recipe.model, text: { ...recipe.model.text, width: 65 } } }, /multiple of 64/);
});
