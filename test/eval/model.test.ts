import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Command } from "commander";
import sharp from "sharp";
import { addEvalCommand } from "../../src/apps/cli/eval.ts";
import { Random } from "../../src/data/random.ts";
import { glip } from "../../src/models/glip.ts";
import { glipPresets } from "../../src/models/glip-presets.ts";
import { writeModelFolder } from "../../src/tasks/grounding/model-folder.ts";
import { loadWeights } from "../../src/weights/fit.ts";
import { openWeights } from "../../src/weights/open-weights.ts";

const root = mkdtempSync(join(tmpdir(), "groundling-model-"));
after(() => rmSync(root, { recursive: true }));
const golden = join(import.meta.dirname, "..", "..", "..", "shared", "golden", "glip-nano");

/** A dataset of noise in COCO's form, and models of random and (where they are) of the golden numbers. */
before(async () => {
  const random = new Random(5);
  mkdirSync(join(root, "set", "images"), { recursive: true });
  const images = Array.from({ length: 4 }, (_, i) => ({
    id: i + 1,
    file_name: `${i}.png`,
    width: 80 + 9 * i,
    height: 64,
  }));
  for (const { file_name, width, height } of images) {
    const data = Uint8Array.from({ length: 3 * width * height }, () => random.next() >>> 24);
    const raw = { width, height, channels: 3 as const };
    await sharp(data, { raw })
      .png()
      .toFile(join(root, "set", "images", file_name));
  }
  const annotations = images.map(({ id }) => ({
    id,
    image_id: id,
    category_id: 2,
    bbox: [4, 4, 40, 40],
    area: 1600,
    iscrowd: 0,
  }));
  const categories = [
    { id: 2, name: "dog" },
    { id: 1, name: "cat" },
  ];
  writeFileSync(join(root, "set", "annotations.json"), JSON.stringify({ images, annotations, categories }));

  const config = glipPresets.nano;
  const model = glip(config);
  const words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "cat", "dog"];
  const vocabulary = join(root, "vocab.txt");
  writeFileSync(
    vocabulary,
    [...words, ...Array.from({ length: 988 - words.length }, (_, i) => `[unused${i}]`)].join("\n"),
  );
  const drawn = new Map(
    model.parameters.map(({ name, shape, initialise }) => [name, initialise(shape, () => random.unit())]),
  );
  // Trained heads begin by finding nothing; a test wants to see boxes.
  for (const [name, values] of drawn) if (name.endsWith("bias0")) values.fill(0);
  await writeFolder("random", drawn, vocabulary);
  if (existsSync(golden)) {
    const file = await openWeights(join(golden, "checkpoint.pth"));
    const weights = await loadWeights(model.parameters, file, { mayBeUnused: /./ });
    await file.close();
    await writeFolder("golden", weights, join(golden, "vocab.txt"));
  }

  async function writeFolder(name: string, weights: Map<string, Float32Array>, vocabulary: string): Promise<void> {
    const tensors = model.parameters.map(({ name, shape }) => ({
      name,
      dtype: "F32" as const,
      shape,
      data: weights.get(name)!,
    }));
    const size = { short: 64, max: 128 };
    await writeModelFolder(join(root, name), { config, size, vocabulary, card: "", weights: tensors });
  }
});

/** What `groundling eval` prints for a model, leaving its detections in a file. */
async function evaluate(model: string, detections: string, ...more: string[]): Promise<string> {
  let text = "";
  const program = new Command().exitOverride();
  program.configureOutput({ writeErr: () => {}, writeOut: (chunk) => (text += chunk) });
  addEvalCommand(program);
  const paths = ["--data", join(root, "set"), "--model", join(root, model), "--detections", join(root, detections)];
  await program.parseAsync(["node", "groundling", "eval", ...paths, "--format", "json", ...more]);
  return text;
}

const bytes = (file: string) => readFileSync(join(root, file), "utf8");

for (const model of ["random", ...(existsSync(golden) ? ["golden"] : [])]) {
  test(`a ${model} model evaluated twice, once by two threads, gives identical bytes`, async () => {
    const first = await evaluate(model, `${model}-1.jsonl`, "--workers", "1");
    assert.ok(bytes(`${model}-1.jsonl`).split("\n").length > 10, "it finds something");
    assert.equal(await evaluate(model, `${model}-2.jsonl`, "--workers", "2"), first);
    assert.equal(bytes(`${model}-2.jsonl`), bytes(`${model}-1.jsonl`));
    assert.equal(JSON.parse(first).metrics.AP50 >= 0, true);
  });
}

test("an evaluation that a picture interrupts is taken up there and ends with the same bytes", async () => {
  const whole = await evaluate("random", "whole.jsonl", "--workers", "1");
  const picture = join(root, "set", "images", "2.png");
  const good = readFileSync(picture);
  writeFileSync(picture, "no picture");
  await assert.rejects(evaluate("random", "broken.jsonl", "--workers", "1"), { name: "InputError" });
  await assert.rejects(evaluate("random", "threads.jsonl", "--workers", "2"), { name: "InputError" });
  await assert.rejects(evaluate("no-such-model", "none.jsonl", "--workers", "2"), { name: "InputError" });
  const kept = bytes("broken.jsonl.part");
  assert.equal(kept.split("\n").length, 1 + 2 + 1);
  writeFileSync(picture, good);
  assert.equal(await evaluate("random", "broken.jsonl", "--workers", "1"), whole);
  assert.equal(bytes("broken.jsonl"), bytes("whole.jsonl"));
  assert.ok(!existsSync(join(root, "broken.jsonl.part")));
});
