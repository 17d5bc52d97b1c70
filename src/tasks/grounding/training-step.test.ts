import assert from "node:assert/strict";
import { after, test } from "node:test";
import { anchorsOf } from "../../boxes/anchors.ts";
import { Random } from "../../data/random.ts";
import { glip } from "../../models/glip/glip.ts";
import { tinyBatch } from "./fixtures/tiny-batch.ts";
import { tinyConfig, tinyModel } from "./fixtures/tiny-model.ts";
import { targetsOf } from "./targets.ts";
import { GroundingTrainingStep, type TrainingStepOptions } from "./training-step.ts";

const { model, weights } = tinyModel();
const steps: GroundingTrainingStep[] = [];
after(() => Promise.all(steps.map((step) => step.dispose())));

function makeStep(options: TrainingStepOptions = {}) {
  const step = new GroundingTrainingStep(model, { threads: 1, optimization: "none", ...options });
  steps.push(step);
  return step;
}

test("every parameter that a loss depends on has a gradient of its size, at every picture size", async () => {
  const step = makeStep();
  for (const [height, width] of [
    [32, 64],
    [64, 32],
  ] as const) {
    const { losses, gradients } = await step.run(weights, tinyBatch(height, width));
    assert.deepEqual(Object.keys(losses).sort(), ["loss_centerness", "loss_dot_product_token", "loss_reg"]);
    assert.ok(Object.values(losses).every((loss) => Number.isFinite(loss) && loss > 0));
    assert.deepEqual([...gradients.keys()].sort(), [...weights.keys()].sort());
    for (const [name, gradient] of gradients) {
      assert.equal(gradient.length, weights.get(name)!.length, name);
      assert.ok(gradient.every(Number.isFinite), name);
    }
  }
});

test("without deep fusion and without steps of the head, padded captions have finite gradients, too", async () => {
  const { fusion: _, ...plain } = tinyConfig;
  for (const config of [plain, { ...tinyConfig, steps: 0 }]) {
    const other = glip(config);
    const random = new Random(5);
    const own = new Map(
      other.parameters.map(({ name, shape, initialise }) => [name, initialise(shape, () => random.unit())]),
    );
    const step = new GroundingTrainingStep(other, { threads: 1, optimization: "none" });
    steps.push(step);
    const { gradients } = await step.run(own, tinyBatch(32, 64));
    for (const [name, gradient] of gradients) assert.ok(gradient.every(Number.isFinite), name);
  }
});

test("a step against the gradient reduces the loss", async () => {
  const step = makeStep();
  const total = (losses: Record<string, number>) => Object.values(losses).reduce((sum, loss) => sum + loss, 0);
  const before = await step.run(weights, tinyBatch(32, 64));
  const length = Math.sqrt([...before.gradients.values()].flatMap((g) => [...g]).reduce((sum, g) => sum + g * g, 0));
  const moved = new Map(
    [...weights].map(([name, weight]) => {
      const gradient = before.gradients.get(name)!;
      return [name, weight.map((value, i) => value - (1e-3 * gradient[i]!) / length)];
    }),
  );
  const slope = (total((await step.run(moved, tinyBatch(32, 64))).losses) - total(before.losses)) / 1e-3;
  assert.ok(Math.abs(slope / length + 1) < 0.05, `slope ${slope}, gradient ${length}`);
});

test("words masked by the batch have no gradient", async () => {
  const batch = tinyBatch(32, 64);
  const step = makeStep();
  const { losses } = await step.run(weights, batch);
  const taught = async (mask: Float32Array) =>
    (await step.run(weights, { ...batch, targets: { ...batch.targets, "target.mask": mask } })).losses;
  assert.deepEqual(await taught(batch.mask), losses);
  const none = await taught(new Float32Array(6));
  assert.deepEqual(none, { ...losses, loss_dot_product_token: 0 });
});

test("frozen parameters get no gradient, and the others keep theirs", async () => {
  const free = await makeStep().run(weights, tinyBatch(32, 64));
  const { gradients } = await makeStep({ frozen: /^backbone\.body|^language_backbone/ }).run(
    weights,
    tinyBatch(32, 64),
  );
  assert.ok([...gradients.keys()].every((name) => !/^backbone\.body|^language_backbone/.test(name)));
  const bias = "rpn.head.bias_lang";
  gradients.get(bias)!.forEach((value, i) => {
    assert.ok(Math.abs(value - free.gradients.get(bias)![i]!) < 1e-6);
  });
});

test("dropout follows the generator: the same seed gives the same loss, another seed another", async () => {
  const losses = [];
  for (const seed of [1, 1, 2]) {
    const random = new Random(seed);
    losses.push(
      (await makeStep({ random: () => random.unit() }).run(weights, tinyBatch(32, 64))).losses.loss_dot_product_token,
    );
  }
  assert.equal(losses[0], losses[1]);
  assert.notEqual(losses[0], losses[2]);
});

test("a batch in shards has the same losses and gradients as the whole batch, with the same bits each time", async () => {
  const one = tinyBatch(32, 64);
  const other = tinyBatch(32, 64);
  other.image.reverse();
  const truths = [
    { boxes: Float32Array.of(4, 6, 40, 28), tokens: [[1, 2]] },
    { boxes: Float32Array.of(10, 2, 30, 30, 40, 8, 60, 28), tokens: [[1], [3]] },
  ];
  const both = {
    ...one,
    pictures: 2,
    image: Float32Array.of(...one.image, ...other.image),
    ids: BigInt64Array.of(...one.ids, ...other.ids),
    mask: Float32Array.of(...one.mask, ...other.mask),
    targets: targetsOf(truths, anchorsOf(32, 64), { tokens: one.tokens, maxTokens: tinyConfig.maxTokens }),
  };
  const whole = await makeStep().run(weights, both);
  const [first, again] = [makeStep({ shards: 2 }), makeStep({ shards: 2 })];
  const parts = await first.run(weights, both);
  assert.deepEqual(await again.run(weights, both), parts);
  for (const [name, loss] of Object.entries(whole.losses))
    assert.ok(Math.abs(parts.losses[name]! - loss) < 1e-5 * Math.abs(loss), name);
  const partly = await makeStep({ shards: 2, frozen: /^backbone/ }).run(weights, both);
  for (const [name, loss] of Object.entries(whole.losses))
    assert.ok(Math.abs(partly.losses[name]! - loss) < 1e-5 * Math.abs(loss), name);
  assert.ok([...partly.gradients.keys()].every((name) => !name.startsWith("backbone")));
  for (const [name, gradient] of whole.gradients) {
    const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    parts.gradients.get(name)!.forEach((value, i) => {
      assert.ok(Math.abs(value - gradient[i]!) < 1e-4 * largest, name);
    });
  }
});
