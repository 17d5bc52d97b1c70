import assert from "node:assert/strict";
import { test } from "node:test";
import { byMaskLevel } from "../../boxes/masks/mask-levels.ts";
import { polygonTarget } from "../../boxes/masks/mask-targets.ts";
import { Random } from "../../data/random.ts";
import { gradients } from "../../grad/index.ts";
import { AdamW } from "../../learning/adamw.ts";
import { glipV2 } from "../../models/glip-v2/glip-v2.ts";
import { MASK_SIDE } from "../../models/glip-v2/mask-head.ts";
import { evaluate, Session } from "../../onnx/index.ts";
import { constant, input, reachable, type Tensor } from "../../tensor/index.ts";
import { tinyConfig } from "../grounding/fixtures/tiny-model.ts";
import { maskLoss } from "../regions/detector-losses.ts";

const PICTURES = 8;
const SIDE = 96;

function tinyV2() {
  const model = glipV2({ ...tinyConfig, heads: { masks: true } });
  const random = new Random(3);
  const weights = new Map(
    model.parameters.map(({ name, shape, initialise }) => [name, initialise(shape, () => random.unit())]),
  );
  return { model, weights };
}

/** Pictures of one bright four-cornered thing each, with its outline and box. */
function things() {
  const random = new Random(11);
  const pictures = new Float32Array(PICTURES * 3 * SIDE * SIDE);
  const outlines = Array.from({ length: PICTURES }, (_, n) => {
    const [x, y] = [40 + 12 * random.unit(), 40 + 12 * random.unit()];
    const outline = [0, 1, 2, 3].flatMap((corner) => {
      const angle = (corner + 0.6 * random.unit()) * (Math.PI / 2);
      const radius = 24 + 14 * random.unit();
      return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
    });
    const inside = polygonTarget([outline], [0, 0, SIDE, SIDE], SIDE);
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < SIDE * SIDE; i++)
        pictures[(n * 3 + c) * SIDE * SIDE + i] = (inside[i] ? 1.5 - 0.4 * c : -0.8 + 0.2 * c) + 0.2 * random.unit();
    return outline;
  });
  const corners = (outline: readonly number[]) => {
    const [xs, ys] = [0, 1].map((axis) => outline.filter((_, i) => i % 2 === axis)) as [number[], number[]];
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  };
  const boxes = Float32Array.from(outlines.flatMap(corners));
  const targets = outlines.flatMap((outline, i) => [
    ...polygonTarget([outline], boxes.subarray(4 * i, 4 * i + 4), MASK_SIDE),
  ]);
  return { pictures, boxes, targets: Float32Array.from(targets) };
}

test("the head learns the masks of eight pictures, with everything else frozen", {
  timeout: 600_000,
}, async () => {
  const { model, weights } = tinyV2();
  const { pictures, boxes, targets } = things();
  const ids = constant(
    BigInt64Array.from({ length: PICTURES * 4 }, (_, i) => [101n, 2000n, 102n, 0n][i % 4]!),
    [PICTURES, 4],
  );
  const mask = constant(
    Float32Array.from({ length: PICTURES * 4 }, (_, i) => Number(i % 4 < 3)),
    [PICTURES, 4],
  );
  const image = input("image", [PICTURES, 3, SIDE, SIDE]);
  const fused = model.tower.both(model.image(image), model.text(ids, mask), mask);
  const sorted = byMaskLevel(boxes, [...Array(PICTURES).keys()]);
  const levels = sorted.levels.map((level) => ({
    boxes: constant(level.boxes, [level.pictures.length, 4]),
    pictures: constant(level.pictures, [level.pictures.length]),
  }));
  const order = constant(sorted.order, [PICTURES]);
  // Frozen parts are computed once.
  const cut = model.masks!.cut(fused.maps, levels, order);
  const once = await evaluate({ cuts: cut, words: fused.words }, { image: pictures }, { weights });

  const of = {
    words: constant(once.words, fused.words.shape),
    pictures: constant(
      BigInt64Array.from({ length: PICTURES }, (_, i) => BigInt(i)),
      [PICTURES],
    ),
    shares: constant(
      Float32Array.from({ length: PICTURES * 4 }, (_, i) => Number(i % 4 === 1)),
      [PICTURES, 4],
    ),
  };
  const logits = model.masks!.logits(model.masks!.pixels(constant(once.cuts, cut.shape)), of);
  const loss = maskLoss(logits, constant(targets, logits.shape));
  const trained = model.parameters.filter(({ name }) => name.startsWith("roi_heads."));
  const inLoss = reachable([loss]).filter((t): t is Tensor<"parameter"> => t.operation === "parameter");
  const names = inLoss.map(({ attributes: { name } }) => name);
  assert.deepEqual([...names].sort(), trained.map(({ name }) => name).sort());
  const slopes = Object.fromEntries(gradients(loss, inLoss).map((slope, i) => [`grad.${names[i]!}`, slope]));
  const session = await Session.compile({ logits, ...slopes }, { threads: 1 });
  const settings = new Map(trained.map(({ name }) => [name, { learningRate: 3e-3, weightDecay: 0, frozen: false }]));
  const optimizer = new AdamW(settings);
  let best = 0;
  for (let step = 0; step < 600 && best <= 0.9; step++) {
    const found = (await session.run({}, { weights })) as Record<string, Float32Array>;
    best = meanOverlap(found.logits!, targets);
    optimizer.step(weights, new Map(names.map((name) => [name, found[`grad.${name}`]!])));
  }
  await session.dispose();
  assert.ok(best > 0.9, `mean overlap ${best}`);
});

/** Mean intersection over union of masks with targets. */
function meanOverlap(logits: Float32Array, targets: Float32Array): number {
  const size = MASK_SIDE ** 2;
  const overlaps = Array.from({ length: PICTURES }, (_, n) => {
    let [both, any] = [0, 0];
    for (let i = n * size; i < (n + 1) * size; i++) {
      const [ours, theirs] = [logits[i]! > 0, targets[i]! > 0];
      if (ours && theirs) both++;
      if (ours || theirs) any++;
    }
    return both / any;
  });
  return overlaps.reduce((sum, overlap) => sum + overlap, 0) / PICTURES;
}

test("the mean over a phrase's one word is that word's mask, and of two words it lies between", async () => {
  const { model, weights } = tinyV2();
  const pixels = input("pixels", [3, 16, 4, 4]);
  const random = new Random(2);
  const words = constant(
    Float32Array.from({ length: 2 * 5 * 16 }, () => random.unit() - 0.5),
    [2, 5, 16],
  );
  const pictures = constant(BigInt64Array.of(0n, 1n, 1n), [3]);
  const masksOf = (shares: number[]) =>
    model.masks!.logits(pixels, { words, pictures, shares: constant(shares, [3, 5]) });
  const row = (...on: number[]) => [0, 1, 2, 3, 4].map((i) => (on.includes(i) ? 1 / on.length : 0));
  const same = (...on: number[]) => [...row(...on), ...row(...on), ...row(...on)];
  const outputs = { first: masksOf(same(1)), second: masksOf(same(3)), both: masksOf(same(1, 3)) };
  const feeds = { pixels: Float32Array.from({ length: 3 * 16 * 16 }, () => random.unit()) };
  const found = await evaluate(outputs, feeds, { weights });
  found.both.forEach((value, i) => {
    assert.ok(Math.abs(value - (found.first[i]! + found.second[i]!) / 2) < 1e-6);
  });
});
