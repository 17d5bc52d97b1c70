import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { anchorsOf } from "../../boxes/anchors.ts";
import { Random } from "../../data/random.ts";
import { KnownClasses } from "../../inputs/words/known-classes.ts";
import { dynamicHead } from "../../models/dynamic-head/dynamic-head.ts";
import { evaluate } from "../../onnx/index.ts";
import { constant, convolution, parameter, reshape, swapLast } from "../../tensor/index.ts";
import { fromFloat32 } from "../../weights/float-conversion.ts";
import { targetsOf } from "../grounding/targets.ts";
import { GroundingTrainingStep } from "../grounding/training-step.ts";
import { loadModel } from "./load-model.ts";
import { readModel, writeModelFolder } from "./model-folder.ts";

const config = {
  backbone: { embedDim: 8, depths: [1, 1, 1, 1], heads: [1, 2, 2, 4], window: 4, dropPathRate: 0 },
  channels: 16,
  groups: 4,
  steps: 1,
  classes: ["dog", "apple", "red ball"],
};
const model = dynamicHead(config);
const random = new Random(3);
const weights = new Map(
  model.parameters.map(({ name, shape, initialise }) => {
    const first = initialise(shape, () => random.unit());
    if (name === "rpn.head.cls_logits.bias") first.set([-1, -2, -3]);
    if (name === "rpn.head.cls_logits.weight") for (let i = 0; i < first.length; i++) first[i]! *= 30;
    return [name, first];
  }),
);
const root = mkdtempSync(join(tmpdir(), "dynamic-head-"));
after(() => rmSync(root, { recursive: true }));

function batch() {
  const truth = { boxes: Float32Array.of(4, 6, 40, 28, 30, 2, 60, 30), tokens: [[0], [2]] };
  const tokens = config.classes.length;
  return {
    image: Float32Array.from({ length: 3 * 32 * 64 }, (_, i) => Math.sin(0.1 * i)),
    pictures: 1,
    height: 32,
    width: 64,
    ids: BigInt64Array.of(0n, 1n, 2n),
    mask: new Float32Array(tokens).fill(1),
    tokens,
    targets: targetsOf([truth], anchorsOf(32, 64), { tokens, maxTokens: model.maxTokens }),
  };
}

test("a class's logits are those of a 1 × 1 convolution with its filter and bias, independent of the other classes", async () => {
  const map = constant(
    Float32Array.from({ length: 16 * 6 }, (_, i) => Math.cos(0.3 * i)),
    [1, 16, 2, 3],
  );
  const plain = dynamicHead({ ...config, steps: 0 });
  const asked = constant(BigInt64Array.of(2n, 0n), [1, 2]);
  const mask = constant([1, 1], [1, 2]);
  const [level] = plain.answer([map], plain.text(asked, mask), mask);
  const filters = parameter("rpn.head.cls_logits.weight", [3, 16, 1, 1]);
  const bias = parameter("rpn.head.cls_logits.bias", [3]);
  const all = swapLast(reshape(convolution(map, filters, { bias }), [1, 3, 6]));
  const { some, every } = await evaluate({ some: level!.logits, every: all }, {}, { weights });
  for (let place = 0; place < 6; place++)
    [2, 0].forEach((k, at) => {
      assert.ok(Math.abs(some[2 * place + at]! - every[3 * place + k]!) < 1e-5);
    });
});

test("the gradient of every group of its parameters is the slope of the losses", async () => {
  const step = new GroundingTrainingStep(model, { threads: 1 });
  try {
    const total = async (given: Map<string, Float32Array>) =>
      Object.values((await step.run(given, batch())).losses).reduce((sum, loss) => sum + loss, 0);
    const { gradients } = await step.run(weights, batch());
    assert.deepEqual([...gradients.keys()].sort(), [...weights.keys()].sort());
    for (const group of [
      /backbone\.body/,
      /backbone\.fpn/,
      /dyhead_tower/,
      /cls_logits/,
      /bbox_pred|scales/,
      /centerness/,
    ]) {
      const names = [...weights.keys()].filter((name) => group.test(name));
      const length = Math.hypot(...names.map((name) => Math.hypot(...gradients.get(name)!)));
      assert.ok(length > 0, String(group));
      const moved = (by: number) =>
        new Map(
          [...weights].map(([name, weight]) => {
            if (!names.includes(name)) return [name, weight];
            const gradient = gradients.get(name)!;
            return [name, weight.map((value, i) => value + (by * gradient[i]!) / length)];
          }),
        );
      const slope = ((await total(moved(2e-3))) - (await total(moved(-2e-3)))) / 4e-3;
      assert.ok(Math.abs(slope / length - 1) < 0.03, `${group}: slope ${slope}, gradient ${length}`);
    }
  } finally {
    await step.dispose();
  }
});

test("its folder has the classes and loads like any model; other words, captions and use as a GLIP are refused", async () => {
  const folder = join(root, "model");
  const tensors = model.parameters.map(({ name, shape }) => {
    return { name, dtype: "F32", shape, data: fromFloat32("F32", weights.get(name)!) } as const;
  });
  await writeModelFolder(folder, {
    ...{ type: "groundling-dynamic-head", config, size: { short: 64, max: 64 }, card: "", weights: tensors },
  });
  const loaded = await loadModel(folder);
  try {
    const picture = { data: new Uint8Array(64 * 64 * 3).map((_, i) => (i * 37) % 256), width: 64, height: 64 };
    const options = { textThreshold: 0, topK: 1000, threshold: 0 };
    const found = await loaded.detect({ ...picture, channels: 3 }, config.classes, options);
    assert.deepEqual(new Set(found.map(({ label }) => label)), new Set(config.classes));
    const balls = await loaded.detect({ ...picture, channels: 3 }, "red ball.", options);
    assert.deepEqual(balls.slice(0, 5), found.filter(({ label }) => label === "red ball").slice(0, 5));
    await assert.rejects(loaded.detect({ ...picture, channels: 3 }, ["dog", "cow"]), {
      ...{ name: "InputError", message: /"dog", "apple", "red ball".*not "cow"/ },
    });
    await assert.rejects(loaded.ground({ ...picture, channels: 3 }, "a dog"), {
      name: "InputError",
      message: /caption/,
    });
    await assert.rejects(readModel(folder), {
      name: "WeightsError",
      message: /is a Dynamic Head model, but groundling ground needs a GLIP or GLIPv2 model/,
    });
  } finally {
    await loaded.dispose();
  }
});

test("in training each class is a token that covers one character", () => {
  const classes = new KnownClasses(config.classes);
  assert.deepEqual([...classes.encoding.ids], [0, 1, 2]);
  assert.deepEqual(classes.encoding.spans, [
    [0, 1],
    [1, 2],
    [2, 3],
  ]);
  assert.deepEqual(classes.spanOf("red ball"), [2, 3]);
});
