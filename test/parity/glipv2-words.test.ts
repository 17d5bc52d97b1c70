import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { anchorsOf } from "../../src/boxes/anchors.ts";
import { phraseNorm } from "../../src/inputs/words/phrase-norm.ts";
import { glipLossesOf } from "../../src/tasks/grounding/fixtures/glip-losses.ts";
import {
  countedWords,
  maskedWordLoss,
  maskWords,
  NOT_COUNTED,
  wordsAt,
} from "../../src/tasks/grounding/masked-words.ts";
import { targetsOf } from "../../src/tasks/grounding/targets.ts";
import { input } from "../../src/tensor/index.ts";
import { Comparison } from "./golden.ts";
import {
  bothSides,
  compareGradients,
  glipV2Folder,
  gradientsOf,
  inputsOf,
  nanoV2,
  needsGlipV2,
  openSet,
  runAll,
  type SampleMeta,
} from "./golden-glipv2.ts";

const skip = needsGlipV2;

interface Meta extends Record<string, unknown> {
  samples: SampleMeta[];
  special: number[];
  mask_id: number;
  p: number;
  loss: {
    mlm: number;
    fp32_vs_fp64: number;
    "grounding with the corrupted text": Record<string, number>;
    "loss_dot_product_token without the chosen tokens (maskedForGrounding: skip)": number;
    "nothing counted": number;
  };
  chosen: [number, number][];
}

test("phrases have the reference's comparison form", { skip }, () => {
  const rows = JSON.parse(readFileSync(join(glipV2Folder, "norm.json"), "utf8")) as [string, string][];
  assert.deepEqual(
    rows.map(([phrase]) => [phrase, phraseNorm(phrase)]),
    rows,
  );
});

async function masking() {
  const golden = await openSet<Meta>("mlm");
  const read = (name: string) => golden.integers(name);
  const [, length] = golden.shape("input.input_ids") as [number, number];
  const given = {
    ids: await read("input.input_ids"),
    mask: await read("input.attention_mask"),
    draws: await read("input.draw"),
    replacements: await read("input.replacement"),
  };
  const counts = await read("input.greenlight");
  const options = { maskId: golden.meta.mask_id, special: new Set(golden.meta.special), rate: golden.meta.p };
  return { golden, given, counts, options, length };
}

test("words are masked as the reference does, and special ones are left alone", { skip }, async () => {
  const { golden, given, counts, options, length } = await masking();
  const check = async (found: ReturnType<typeof maskWords>, name: string) => {
    assert.deepEqual([...found.ids], await golden.integers(`${name}.ids`), name);
    assert.deepEqual([...found.labels], await golden.integers(`${name}.labels`), name);
  };
  const found = maskWords({ ...given, counts }, options);
  await check(found, "corrupted");
  await check(maskWords(given, options), "corrupted.no_greenlight");
  await check(maskWords({ ...given, counts }, { ...options, special: new Set() }), "corrupted.code");
  const chosen = [...found.chosen.keys()].filter((i) => found.chosen[i]);
  assert.deepEqual(
    chosen.map((i) => [Math.floor(i / length), i % length]),
    golden.meta.chosen,
  );
  await golden.close();
});

test("special tokens are never touched, and a batch in which nothing is chosen has a loss of 0", {
  skip,
}, async () => {
  const { golden, given, options } = await masking();
  const certain = maskWords({ ...given, draws: given.draws.map(() => 0) }, options);
  given.ids.forEach((id, i) => {
    const isWord = given.mask[i] === 1 && !options.special.has(id);
    assert.equal(certain.ids[i], isWord ? options.maskId : id);
    assert.equal(certain.labels[i], isWord ? id : NOT_COUNTED);
  });
  const none = maskWords({ ...given, draws: given.draws.map(() => 0.99) }, options);
  assert.deepEqual([...none.ids], given.ids);
  const { words, weights } = countedWords(none.labels);
  const logits = input("logits", [1, 5]);
  const loss = maskedWordLoss(logits, input("words", [1], "int64"), input("weights", [1]));
  const found = await runAll({ loss }, { logits: Float32Array.of(1, 2, 3, 4, 5), words, weights }, new Map());
  assert.ok(Math.abs(found.loss![0]!) === golden.meta.loss["nothing counted"]);
  await golden.close();
});

test("masked words have the reference's logits, losses and gradients", { skip }, async () => {
  const { golden, given, counts, options, length } = await masking();
  const { meta } = golden;
  const { model, weights } = await nanoV2();
  const { image, ids, mask, feeds } = await inputsOf(golden, "corrupted.ids");
  const masked = maskWords({ ...given, counts }, options);
  const counted = countedWords(masked.labels);
  const m = counted.positions.length;
  const fused = model.tower.both(model.image(image), model.text(ids, mask), mask);
  const logits = model.maskedWords!(wordsAt(fused.words, input("positions", [m], "int64")));
  const loss = maskedWordLoss(logits, input("words", [m], "int64"), input("weights", [m]));
  const [pictures, , height, width] = image.shape as [number, number, number, number];
  const levels = anchorsOf(height, width);
  const truths = await Promise.all(
    meta.samples.map(async (sample, i) => ({
      boxes: await golden.floats(`input.boxes.${i}`),
      tokens: sample.box_phrases.map((own) => own.flatMap((k) => sample.phrase_tokens[k]!)),
    })),
  );
  const targets = targetsOf(truths, levels, { tokens: length, maxTokens: 256 });
  const ground = glipLossesOf(model.align(fused), { pictures, height, width, tokens: length });
  const all = { ...feeds, ...counted, ...targets, "target.mask": feeds.mask! };
  const found = await runAll({ "fused.hidden": fused.words, "logits.counted": logits, loss, ...ground }, all, weights);
  const comparison = new Comparison();
  for (const name of ["fused.hidden", "logits.counted"]) await comparison.add(golden, name, found[name]!);
  const near = (value: number, expected: number, noise: number) =>
    assert.ok(Math.abs(value - expected) <= 4 * Math.max(noise, expected * 2 ** -23), `${value}, not ${expected}`);
  near(found.loss![0]!, meta.loss.mlm, meta.loss.fp32_vs_fp64);
  // The grounding losses have no stated noise: a few roundings of their value.
  const noise = (value: number) => value * 2 ** -21;
  for (const [name, value] of Object.entries(meta.loss["grounding with the corrupted text"]))
    near(found[name]![0]!, value, noise(value));
  const rest = (feeds.mask as Float32Array).map((value, i) => (masked.chosen[i] ? 0 : value));
  const skipped = await runAll({ loss: ground.loss_dot_product_token! }, { ...all, "target.mask": rest }, weights);
  const expected = meta.loss["loss_dot_product_token without the chosen tokens (maskedForGrounding: skip)"];
  near(skipped.loss![0]!, expected, noise(expected));
  comparison.finish(2);
  let slopes = new Comparison();
  let count = 0;
  for (const side of await bothSides(model, feeds, weights)) {
    slopes = new Comparison();
    count = await compareGradients(golden, await runAll(gradientsOf(loss), all, side), slopes);
    if (slopes.passes) break;
  }
  await golden.close();
  slopes.finish(count);
  assert.ok(count > 200);
});
