import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Random } from "../../data/random.ts";
import { WordPieces } from "../../inputs/words/word-pieces.ts";
import { AnyWords } from "../../inputs/words/words.ts";
import { glipPictures } from "../../models/parts/glip-pictures.ts";
import { fromFloat32, toFloat32 } from "../../weights/float-conversion.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { tinyConfig, tinyModel, vocabulary } from "../grounding/fixtures/tiny-model.ts";
import { readAdapted, withAdapted } from "./adapted-file.ts";
import type { AdaptedPrompt } from "./adapted-prompt.ts";
import { writeAdaptedPrompt } from "./adapted-prompt-file.ts";
import { newAdapters, withAdapters, writeAdapters } from "./adapters.ts";
import { baseOf } from "./base-digest.ts";
import { GroundingModel } from "./grounding-model.ts";
import { Predictor } from "./predictor.ts";
import { TUNABLE_PROMPT, withTunablePrompt } from "./tunable-prompt.ts";

const root = mkdtempSync(join(tmpdir(), "adapted-prompt-"));
const { model, weights } = tinyModel();
const words = WordPieces.parse(readFileSync(vocabulary, "utf8"));
const size = { short: 64, max: 64 };
const options = { optimization: "none", threads: 1 } as const;
const stored = { name: "tiny", weights };
const base = baseOf(stored);
/** Detections of any score. */
const ALL = { threshold: 0 };
const loaded = new GroundingModel(
  new Predictor(model, weights, options),
  new AnyWords(words),
  { ...glipPictures, size },
  {
    digest: base.digest,
  },
);
after(async () => {
  await loaded.dispose();
  rmSync(root, { recursive: true });
});
const picture = {
  ...{ width: 64, height: 64, channels: 3 as const },
  data: Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * 37) % 256),
};
const file = join(root, "prompt.safetensors");
const weightsByFile = async (own: typeof weights) => withAdapted({ weights: own }, await readAdapted(file)).weights;

/** [CLS] dog . cat [SEP] */
function promptFor(classes: readonly string[], seed: number): AdaptedPrompt {
  const random = new Random(seed);
  const tokens = 2 * classes.length + 1;
  const vectors = Float32Array.from({ length: tokens * tinyConfig.bert.hiddenSize }, () => 4 * random.unit() - 2);
  return { classes, vectors, tokens, inPlace: false, base };
}

test("adapted prompts and plain prompts can be used in turns, each with its own detections in the same bits", async () => {
  const plain = await loaded.detect(picture, ["dog", "cat"], ALL);
  const [one, other] = [promptFor(["dog", "cat"], 1), promptFor(["dog", "cat"], 2)];
  const first = await loaded.detect(picture, one, ALL);
  assert.notDeepEqual(first, plain);
  assert.notDeepEqual(await loaded.detect(picture, other, ALL), first);
  assert.deepEqual(await loaded.detect(picture, one, ALL), first);
  assert.deepEqual(await loaded.detect(picture, ["dog", "cat"], ALL), plain);
  loaded.setClasses(one);
  assert.deepEqual(await loaded.detect(picture, undefined, ALL), first);
});

test("a prompt read from its file gives the same bits as the model trained with it", async () => {
  const prompt = promptFor(["dog", "cat"], 3);
  await writeAdaptedPrompt(file, prompt);
  assert.ok(statSync(file).size < 4096);
  const read = (await readAdapted(file)).prompt!;
  assert.deepEqual(read, prompt);
  const vectors = new Float32Array(model.maxTokens * model.textWidth);
  vectors.set(prompt.vectors);
  const tuned = new Map([...weights, [TUNABLE_PROMPT, vectors] as const]);
  const whole = new GroundingModel(new Predictor(withTunablePrompt(model), tuned, options), new AnyWords(words), {
    ...glipPictures,
    size,
  });
  try {
    assert.deepEqual(await loaded.detect(picture, read, ALL), await whole.detect(picture, ["dog", "cat"], ALL));
  } finally {
    await whole.dispose();
  }
});

test("vectors that replace the words give the same detections as added ones, and other prompts are unchanged", async () => {
  const added = promptFor(["dog", "cat"], 5);
  const { ids } = words.encode("dog. cat");
  const read = await loaded.predictor.text(ids);
  const vectors = read.vectors.map((value, i) => value + added.vectors[i]!);
  const inPlace = { ...added, vectors, inPlace: true };
  const plain = await loaded.detect(picture, ["dog", "cat"], ALL);
  assert.deepEqual(await loaded.detect(picture, inPlace, ALL), await loaded.detect(picture, added, ALL));
  assert.deepEqual(await loaded.detect(picture, ["dog", "cat"], ALL), plain);
  await writeAdaptedPrompt(file, inPlace);
  assert.deepEqual((await readAdapted(file)).prompt, inPlace);
  // The language backbone is not run: a model without its weights answers in the same bits.
  const mute = new Map([...weights].filter(([name]) => !name.startsWith("language_backbone")));
  const silent = new GroundingModel(
    new Predictor(model, mute, options),
    new AnyWords(words),
    { ...glipPictures, size },
    {
      digest: base.digest,
    },
  );
  try {
    assert.deepEqual(await silent.detect(picture, inPlace, ALL), await loaded.detect(picture, inPlace, ALL));
    await assert.rejects(silent.detect(picture, ["dog", "cat"], ALL));
  } finally {
    await silent.dispose();
  }
});

test("a prompt trained for other weights of the same shape is refused", async () => {
  const other = new Map([...weights].map(([key, numbers]) => [key, numbers.map((value) => 1.5 * value)]));
  const refused = {
    name: "WeightsError",
    message: /trained for the model tiny with .*; use tiny, or adapt this model/,
  };
  const otherModels = { ...promptFor(["dog", "cat"], 6), base: baseOf({ name: "other", weights: other }) };
  await assert.rejects(loaded.detect(picture, otherModels, ALL), { name: "WeightsError", message: /use other/ });
  await writeAdaptedPrompt(file, promptFor(["dog", "cat"], 6));
  await assert.rejects(weightsByFile(other), refused);
  // One bias of the backbone is enough.
  const bias = "backbone.body.patch_embed.norm.bias";
  const near = new Map([...weights, [bias, weights.get(bias)!.map((value) => value + 0.01)]] as const);
  await assert.rejects(weightsByFile(near), refused);
  const name = "rpn.head.dot_product_projection_text.weight";
  await writeAdapters(file, newAdapters(model, [name], new Random(6)), { base: stored, classes: ["dog"] });
  await assert.rejects(weightsByFile(other), refused);
  assert.deepEqual(await weightsByFile(weights), weights);
});

test("a file without its base model is refused", async () => {
  const vectors = { name: TUNABLE_PROMPT, dtype: "F32" as const, shape: [5, 16], data: new Float32Array(80) };
  await writeSafetensors(file, [vectors], { format: "groundling-prompt", classes: '["dog", "cat"]' });
  await assert.rejects(readAdapted(file), { name: "WeightsError", message: /has no record of its base model/ });
});

test("a model in float16 and its copy in float32 have the same digest", () => {
  const half = new Map(
    [...weights].map(([key, numbers]) => [key, toFloat32("F16", fromFloat32("F16", numbers))] as const),
  );
  assert.notDeepEqual(half, weights);
  assert.deepEqual(baseOf({ name: "tiny", weights: half }), base);
});

test("a prompt of another model and another kind of file are refused with their names", async () => {
  const prompt = promptFor(["dog", "cat"], 4);
  const wrong = { name: "WeightsError", message: /dog, cat .*\[6, 16\], but this model needs \[5, 16\]/ };
  const longer = { ...prompt, tokens: 6, vectors: new Float32Array(6 * 16) };
  await assert.rejects(loaded.detect(picture, longer, ALL), wrong);
  await writeSafetensors(file, [{ name: "other", dtype: "F32", shape: [1], data: Float32Array.of(1) }]);
  const neither = { name: "WeightsError", message: /prompt\.safetensors: is not an adapted prompt or adapters/ };
  await assert.rejects(readAdapted(file), neither);
  writeFileSync(file, "prompt");
  await assert.rejects(readAdapted(file), { name: "WeightsError", message: /prompt\.safetensors/ });
});

test("adapters are read back from their file, add the product of their two matrices, and are refused by another model", async () => {
  const name = "rpn.head.dot_product_projection_text.weight";
  const adapters = newAdapters(model, [name], new Random(6));
  assert.deepEqual(withAdapters(weights, adapters).get(name), weights.get(name));
  const stem = name.replace(/weight$/, "");
  const [down, up] = [adapters.get(`${stem}lora_A.weight`)!, adapters.get(`${stem}lora_B.weight`)!];
  up[4 * 3 + 1] = 2;
  const sum = withAdapters(weights, adapters).get(name)!;
  const before = weights.get(name)!;
  // Row 3 of the product is twice row 1 of A.
  sum.forEach((value, place) => {
    const added = Math.floor(place / 16) === 3 ? 2 * down[16 + (place % 16)]! : 0;
    assert.ok(Math.abs(value - before[place]! - added) < 1e-5);
  });
  await writeAdapters(file, adapters, { base: stored, classes: ["dog"] });
  assert.deepEqual((await readAdapted(file)).adapters, adapters);
  const other = new Map([...weights].filter(([key]) => key !== name));
  assert.throws(() => withAdapters(other, adapters), { name: "WeightsError", message: /fits no weight of this model/ });
});
