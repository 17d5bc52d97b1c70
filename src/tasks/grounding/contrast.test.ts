import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readRecipe } from "../../apps/training/recipe.ts";
import { Random } from "../../data/random.ts";
import type { Span } from "../../inputs/words/word-pieces.ts";
import { glip } from "../../models/glip/glip.ts";
import { glipPictures } from "../../models/parts/glip-pictures.ts";
import { evaluate } from "../../onnx/index.ts";
import { constant } from "../../tensor/index.ts";
import { contrastLoss, contrastTargets, MOST_REGIONS, type Names } from "./contrast.ts";
import { tinyConfig, vocabulary } from "./fixtures/tiny-model.ts";
import { glipLosses } from "./loss-terms.ts";
import { createComposer } from "./scene-composer.ts";
import { GroundingTrainingStep } from "./training-step.ts";

const [N, TOKENS, WIDTH, PLACES] = [2, 6, 3, 5];
const isRelated: Names["isRelated"] = (name, other) => name === other || (name === "dog" && other === "puppy");
/** Words of one token each, "a b c", between [CLS] and [SEP]. */
function picture(words: readonly string[], boxes: readonly string[]) {
  let at = 0;
  const spans = words.map((word): Span => {
    const start = at;
    at += word.length + 1;
    return [start, start + word.length];
  });
  const encoding = { ids: new Int32Array(words.length + 2), spans: [null, ...spans, null] };
  return { names: { words: words.map((name, k) => ({ name, span: spans[k]! })), boxes, isRelated }, encoding };
}
const first = picture(["dog", "cat"], ["dog"]);
const second = picture(["puppy", "dog", "cup"], ["cup", "dog"]);
const wave = (count: number, k: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(1.3 * i + k));
const places = wave(N * WIDTH * PLACES, 1);
const tokens = wave(N * TOKENS * WIDTH, 2);
const offsets = wave(N * TOKENS, 3);
/** The box of the first picture has places 0 and 2; those of the second 1, and 3 and 4. */
const owned = [[[0, 2]], [[1], [3, 4]]];

type Numbers = Float32Array;

async function lossOf(pictures: (typeof first)[], order: readonly number[]): Promise<number> {
  const n = pictures.length;
  const part = (all: Numbers) => {
    const each = all.length / N;
    return constant(Float32Array.from(order.flatMap((k) => [...all.subarray(k * each, (k + 1) * each)])), [
      n,
      ...shapeOf(all),
    ]);
  };
  const shapeOf = (all: Numbers) => (all === places ? [WIDTH, PLACES] : all === tokens ? [TOKENS, WIDTH] : [1, TOKENS]);
  const regions = new Float32Array(n * MOST_REGIONS * PLACES);
  order.forEach((k, picture) => {
    owned[k]!.forEach((own, region) => {
      for (const place of own) regions[(picture * MOST_REGIONS + region) * PLACES + place] = 1 / own.length;
    });
  });
  const count = order.reduce((sum, k) => sum + owned[k]!.length, 0);
  const aligned = { places: part(places), tokens: part(tokens), offsets: part(offsets) };
  const { "target.named": named, "target.excluded": excluded } = contrastTargets(pictures, TOKENS);
  const table = [n * MOST_REGIONS, n * TOKENS];
  const targets = {
    "target.regions": constant(regions, [n, MOST_REGIONS, PLACES]),
    "target.named": constant(named, table),
    "target.excluded": constant(excluded, table),
    "target.regionCount": constant([count], []),
  };
  const { loss } = await evaluate({ loss: contrastLoss([aligned], targets) });
  return loss[0]!;
}

/** The loss in words: of each box, minus the mean log-probability of the tokens that name it, among all names but its kin. */
function expectedLoss(pictures: (typeof first)[], order: readonly number[]): number {
  const words = pictures.flatMap(({ names }, p) =>
    names.words.map(({ name }, k) => ({ name, p: order[p]!, token: k + 1 })),
  );
  const losses = pictures.flatMap(({ names }, p) =>
    names.boxes.map((box, region) => {
      const own = owned[order[p]!]![region]!;
      const score = ({ p: q, token }: (typeof words)[number]) => {
        let sum = offsets[q * TOKENS + token]!;
        for (let c = 0; c < WIDTH; c++)
          for (const place of own)
            sum +=
              (places[(order[p]! * WIDTH + c) * PLACES + place]! / own.length) *
              tokens[(q * TOKENS + token) * WIDTH + c]!;
        return sum;
      };
      const open = words.filter(({ name }) => name === box || !isRelated(box, name));
      const log = Math.log(open.reduce((sum, word) => sum + Math.exp(score(word)), 0));
      const named = open.filter(({ name }) => name === box);
      return -named.reduce((sum, word) => sum + score(word) - log, 0) / named.length;
    }),
  );
  return losses.reduce((sum, one) => sum + one, 0) / losses.length;
}

test("a region is contrasted with all names of the batch except related ones, in any caption", async () => {
  const loss = await lossOf([first, second], [0, 1]);
  assert.ok(Math.abs(loss - expectedLoss([first, second], [0, 1])) < 1e-5, `${loss}`);
});

test("the order of pictures has no effect; a single picture is contrasted only with its own caption", async () => {
  const loss = await lossOf([first, second], [0, 1]);
  assert.ok(Math.abs((await lossOf([second, first], [1, 0])) - loss) < 1e-5);
  assert.ok(Math.abs((await lossOf([second], [1])) - expectedLoss([second], [1])) < 1e-5);
});

test("tokens outside names and regions without boxes have no effect", () => {
  const { "target.named": named, "target.excluded": excluded } = contrastTargets([first, second], TOKENS);
  const columns = N * TOKENS;
  const row = (all: Numbers, picture: number, region: number) => {
    const at = (picture * MOST_REGIONS + region) * columns;
    return [...all.subarray(at, at + columns)];
  };
  // [CLS] dog cat [SEP] _ _ | [CLS] puppy dog cup [SEP] _
  assert.deepEqual(row(named, 0, 0), [0, 0.5, 0, 0, 0, 0, 0, 0, 0.5, 0, 0, 0]);
  assert.deepEqual(row(excluded, 0, 0), [1, 0, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1]);
  assert.deepEqual(row(named, 1, 0), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
  assert.deepEqual(row(excluded, 1, 0), [1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 1]);
  assert.ok(row(named, 0, 1).every((value) => value === 0));
});

const folder = mkdtempSync(join(tmpdir(), "contrast-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const setup = {
  words: { kind: "word-pieces" as const, file: vocabulary },
  preparation: glipPictures,
  ...{ seed: 4, pictures: 3, sizes: [64], tokens: 32, maxTokens: 32, sprites: join(folder, "sprites") },
  world: { split: "train" as const, names: ["apple", "chair", "dog", "cup", "bus"] },
  ...{ scene: { objects: 3, smallest: 0.3 }, sentences: 0.3, names: 5 },
};

test("composed batches have the anchors and words of every box if contrast is used", async () => {
  const { targets } = (await createComposer({ ...setup, losses: ["loss_contrast"] })).compose(1);
  const sums = (name: `target.${string}`) => {
    const width = targets[name]!.length / (3 * MOST_REGIONS);
    return Array.from({ length: 3 * MOST_REGIONS }, (_, row) =>
      targets[name]!.subarray(row * width, (row + 1) * width).reduce((sum, value) => sum + value, 0),
    );
  };
  const [regions, named] = [sums("target.regions"), sums("target.named")];
  const count = targets["target.regionCount"]![0]!;
  assert.ok(count >= 3);
  assert.equal(regions.filter((sum) => Math.abs(sum - 1) < 1e-5).length, count);
  assert.equal(named.filter((sum) => Math.abs(sum - 1) < 1e-5).length, count);
  const without = (await createComposer(setup)).compose(1).targets;
  assert.deepEqual(
    Object.keys(without).filter((name) => /region|named|excluded/.test(name)),
    [],
  );
});

test("the gradient of a step with contrast is the slope of its losses", async () => {
  const { fusion: _, ...plain } = tinyConfig;
  const model = glip(plain);
  const random = new Random(5);
  const weights = new Map(
    model.parameters.map(({ name, shape, initialise }) => [name, initialise(shape, () => random.unit())]),
  );
  const batch = (await createComposer({ ...setup, losses: ["loss_contrast"] })).compose(1);
  const step = new GroundingTrainingStep(model, {
    threads: 1,
    optimization: "none",
    losses: { ...glipLosses, loss_contrast: 2 },
  });
  try {
    const { losses, gradients } = await step.run(weights, batch);
    assert.ok(losses["loss_contrast"]! > 0);
    const total = (all: Record<string, number>) => Object.values(all).reduce((sum, loss) => sum + loss, 0);
    const length = Math.hypot(...[...gradients.values()].map((gradient) => Math.hypot(...gradient)));
    const moved = (by: number) =>
      new Map(
        [...weights].map(([name, w]) => [name, w.map((v, i) => v + (by * (gradients.get(name)?.[i] ?? 0)) / length)]),
      );
    const [up, down] = [await step.run(moved(1e-3), batch), await step.run(moved(-1e-3), batch)];
    const slope = (total(up.losses) - total(down.losses)) / 2e-3;
    assert.ok(Math.abs(slope / length - 1) < 0.05, `slope ${slope}, gradient ${length}`);
  } finally {
    await step.dispose();
  }
});

test("recipes that cannot use contrast are refused with the reason", () => {
  const wanted =
    (recipe: string, ...more: string[]) =>
    () =>
      readRecipe(recipe, ["contrast=1", ...more]);
  assert.throws(wanted("recipes/from-disk.json"), /contrast: data must be scenes.*remove contrast/);
  assert.throws(wanted("recipes/wide-world.json", "shards=2"), /contrast: shards must be 1/);
  assert.throws(
    wanted("recipes/wide-world.json", 'model.fusion={"width":16,"heads":2}', "model.steps=1"),
    /contrast: the model must be a GLIP without fusion/,
  );
  assert.equal(readRecipe("recipes/wide-world.json", ["contrast=1"]).contrast, 1);
});
