import assert from "node:assert/strict";
import { test } from "node:test";
import type { GlipV2 } from "../../src/models/glip-v2/glip-v2.ts";
import { lower, SessionCache } from "../../src/onnx/index.ts";
import { Traces } from "../../src/onnx/traces.ts";
import { CaptionDecoder } from "../../src/tasks/captioning/caption-decoder.ts";
import { captionLoss } from "../../src/tasks/captioning/caption-loss.ts";
import { beamCaptions, greedyCaption } from "../../src/tasks/captioning/search.ts";
import type { PartRunner } from "../../src/tasks/parts/part-runner.ts";
import { input, logSoftmax } from "../../src/tensor/index.ts";
import { Comparison } from "./golden.ts";
import {
  compareGradients,
  gradientsOf,
  inputsOf,
  nanoV2,
  needsGlipV2,
  openSet,
  runAll,
  type SampleMeta,
} from "./golden-glipv2.ts";

const skip = needsGlipV2;
const LIMIT = 20;

interface Meta extends Record<string, unknown> {
  samples: SampleMeta[];
  bos: number;
  eos: number;
  label_smoothing: number;
  loss: { caption: number; "without smoothing": number; fp32_vs_fp64: number };
  invariants: { perturbed_from: number };
  search: {
    results: {
      sample: number;
      banned: number[];
      greedy: number[];
      greedy_logp: number[];
      beams: { width: number; alpha: number; found: { ids: number[]; logp: number; score: number }[] }[];
    }[];
  };
}

type Weights = ReadonlyMap<string, Float32Array>;

/** Runs parts of a model with constant weights, as a predictor does. */
function partsOf(weights: Weights): PartRunner & { dispose(): Promise<void> } {
  const sessions = new SessionCache({ threads: 1 });
  const traces = new Traces();
  const baked = (name: string) => weights.get(name);
  return {
    run: (key, build, feeds) =>
      sessions.run(
        traces.of(key, () => lower(build(), { sizes: "fed", baked })),
        feeds,
      ),
    dispose: () => sessions.dispose(),
  };
}

async function mapsOf(model: GlipV2, weights: Weights, picture: Float32Array, size: { height: number; width: number }) {
  const maps = model.image(input("image", [1, 3, size.height, size.width]));
  const found = await runAll(Object.fromEntries(maps.map((map, i) => [`map.${i}`, map])), { image: picture }, weights);
  return maps.map((_, i) => found[`map.${i}`]!);
}

async function captionModel() {
  const golden = await openSet<Meta>("caption");
  const { model, weights } = await nanoV2();
  const inputs = await inputsOf(golden);
  const seen = model.tower.see(model.image(inputs.image));
  const vectors = model.captions!.vectors(inputs.ids, inputs.mask, seen.places);
  return { golden, model, weights, ...inputs, seen, vectors, logits: model.captions!.logits(vectors) };
}

/** The rows of real tokens of all samples, one after the other. */
function realRows(rows: Float32Array, mask: Float32Array): Float32Array {
  const width = rows.length / mask.length;
  return Float32Array.from(
    [...mask.keys()].flatMap((i) => (mask[i] ? [...rows.subarray(i * width, (i + 1) * width)] : [])),
  );
}

test("captions have the reference's vectors, logits, loss and gradients", { skip }, async () => {
  const { golden, weights, ids, mask, feeds, seen, vectors, logits } = await captionModel();
  const { meta } = golden;
  const real = feeds.mask as Float32Array;
  const length = ids.shape[1]!;
  const targets = { ids, mask, count: input("count", []) };
  const loss = captionLoss(logits, targets, meta.label_smoothing);
  const count = Float32Array.of(real.reduce((sum, value, i) => sum + (i % length > 0 ? value : 0), 0));
  const maps = Object.fromEntries(seen.maps.map((map, i) => [`visual.p${i + 3}`, map]));
  const found = await runAll(
    { ...maps, hidden: vectors, logits, loss, plain: captionLoss(logits, targets, 0), ...gradientsOf(loss) },
    { ...feeds, count },
    weights,
  );
  const comparison = new Comparison();
  for (const name of [...Object.keys(maps), "hidden"]) await comparison.add(golden, name, found[name]!);
  await comparison.add(golden, "logits", realRows(found.logits!, real));
  const { caption, "without smoothing": plain, fp32_vs_fp64 } = meta.loss;
  const near = (value: number, expected: number) =>
    assert.ok(
      Math.abs(value - expected) <= 4 * Math.max(fp32_vs_fp64, expected * 2 ** -23),
      `${value}, not ${expected}`,
    );
  near(found.loss![0]!, caption);
  near(found.plain![0]!, plain);
  const gradients = await compareGradients(golden, found, comparison);
  await golden.close();
  comparison.finish(7 + gradients);
  assert.ok(gradients > 200);
});

test("greedy and beam search find the reference's captions, ids exactly", { skip }, async () => {
  const { golden, model, weights, feeds } = await captionModel();
  const { bos, eos, search } = golden.meta;
  const [, , height, width] = golden.shape("input.image") as [number, number, number, number];
  const parts = partsOf(weights);
  const decoder = new CaptionDecoder(model, parts, LIMIT);
  const size = 3 * height * width;
  for (const { sample, banned, greedy, greedy_logp, beams } of search.results) {
    const picture = (feeds.image as Float32Array).slice(sample * size, (sample + 1) * size);
    const seen = await decoder.see(await mapsOf(model, weights, picture, { height, width }), height, width);
    const options = { start: bos, end: eos, limit: LIMIT, banned: new Set(banned) };
    const best = await greedyCaption(decoder.wordsOf(seen), options);
    assert.deepEqual(best.ids, greedy);
    const sum = greedy_logp.reduce((total, value) => total + value, 0);
    assert.ok(Math.abs(best.logProbability - sum) < 1e-4);
    for (const { width: count, alpha, found } of beams) {
      const ours = await beamCaptions(decoder.wordsOf(seen), { ...options, beams: count, lengthPower: alpha });
      assert.deepEqual(
        ours.map(({ ids }) => ids),
        found.map(({ ids }) => ids),
      );
      found.forEach(({ logp, score }, i) => {
        assert.ok(Math.abs(ours[i]!.logProbability - logp) < 1e-4 && Math.abs(ours[i]!.score - score) < 1e-4);
      });
    }
  }
  assert.ok(search.results.length > 0);
  await parts.dispose();
  await golden.close();
});

test("a later word changes no logit before it, words do not change the picture, and the cache changes nothing", {
  skip,
}, async () => {
  const { golden, model, weights, image, ids, mask, feeds, seen, vectors, logits } = await captionModel();
  const { perturbed_from: from } = golden.meta.invariants;
  const length = ids.shape[1]!;
  const vocabulary = logits.shape[2]!;
  const changed = (feeds.ids as BigInt64Array).map((id, i) =>
    i % length >= from ? (id + 7n) % BigInt(vocabulary) : id,
  );
  const outputs = { logits, places: seen.places.at(-1)!, map: seen.maps[0]! };
  const before = await runAll(outputs, feeds, weights);
  const after = await runAll(outputs, { ...feeds, ids: changed }, weights);
  const alone = await runAll({ places: outputs.places, map: outputs.map }, { image: feeds.image! }, weights);
  const row = length * vocabulary;
  for (let n = 0; n < ids.shape[0]!; n++) {
    const early = (all: Float32Array) => all.subarray(n * row, n * row + from * vocabulary);
    assert.deepEqual(early(after.logits!), early(before.logits!));
  }
  assert.notDeepEqual(after.logits, before.logits);
  assert.deepEqual(alone.places, before.places);
  assert.deepEqual(alone.map, before.map);
  assert.ok(vectors.shape[2] === model.textWidth && image.shape[0] === ids.shape[0] && mask.rank === 2);

  const [, , height, width] = image.shape as [number, number, number, number];
  const parts = partsOf(weights);
  const decoder = new CaptionDecoder(model, parts, length);
  const picture = (feeds.image as Float32Array).slice(0, 3 * height * width);
  const maps = await mapsOf(model, weights, picture, { height, width });
  const words = decoder.wordsOf(await decoder.see(maps, height, width));
  const whole = await runAll({ logs: logSoftmax(logits) }, feeds, weights);
  for (let t = 0; t < golden.meta.samples[0]!.real_tokens; t++) {
    const [next] = await words.read([Number((feeds.ids as BigInt64Array)[t])], [0]);
    const expected = whole.logs!.subarray(t * vocabulary, (t + 1) * vocabulary);
    const error = next!.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
    assert.ok(error < 1e-5 * Math.max(1, ...expected.map(Math.abs)), `step ${t}: off by ${error}`);
  }
  await parts.dispose();
  await golden.close();
});
