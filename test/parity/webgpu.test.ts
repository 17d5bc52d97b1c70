/** WebGPU against the CPU and the reference, on a Vulkan device in software (SwiftShader, which Debian's chromium brings). */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { anchorsOf } from "../../src/boxes/anchors.ts";
import { Random } from "../../src/data/random.ts";
import { type Glip, glip } from "../../src/models/glip/glip.ts";
import { glipPresets } from "../../src/models/glip/glip-presets.ts";
import { type BackendOptions, evaluate } from "../../src/onnx/index.ts";
import { targetsOf } from "../../src/tasks/grounding/targets.ts";
import { GroundingTrainingStep } from "../../src/tasks/grounding/training-step.ts";
import { constant, convolution, expand, indices, input, scatterAddRows } from "../../src/tensor/index.ts";
import { readWeights } from "../../src/weights/fit.ts";
import { openWeights } from "../../src/weights/open-weights.ts";
import { glipNano, needsGlipNano } from "./golden.ts";

const swiftShader = "/usr/lib/chromium/vk_swiftshader_icd.json";
process.env.VK_ICD_FILENAMES ??= swiftShader;
process.env.XDG_RUNTIME_DIR ??= tmpdir();
const skip = existsSync(process.env.VK_ICD_FILENAMES)
  ? needsGlipNano
  : "needs a Vulkan device, such as chromium's SwiftShader";
const devices = ["cpu", "webgpu"] as const satisfies BackendOptions["device"][];

/** Largest difference, as a fraction of the largest number. */
function difference(found: Float32Array, expected: Float32Array): number {
  assert.equal(found.length, expected.length);
  let [most, off] = [0, 0];
  expected.forEach((value, i) => {
    most = Math.max(most, Math.abs(value));
    off = Math.max(off, Math.abs(value - found[i]!));
  });
  return off / most;
}

async function weightsOf(model: Glip): Promise<Map<string, Float32Array>> {
  const file = await openWeights(join(glipNano!, "checkpoint.pth"));
  try {
    return await readWeights(model.parameters, file);
  } finally {
    await file.close();
  }
}

const numbers = (count: number, seed: number) => {
  const random = new Random(seed, "webgpu");
  return Float32Array.from({ length: count }, () => random.unit() - 0.5);
};

test("rows at repeated positions are added without loss", { skip }, async () => {
  const [rows, width] = [20_000, 16];
  const index = indices(
    Array.from({ length: rows }, (_, i) => i % 3),
    [rows],
  );
  const sum = scatterAddRows(expand(constant(0), [3, width]), index, input("updates", [rows, width]));
  const updates = new Float32Array(rows * width).fill(1);
  const { sum: found } = await evaluate({ sum }, { updates }, { device: "webgpu" });
  const expected = [6667, 6667, 6666].flatMap((count) => new Array(width).fill(count));
  assert.deepEqual(Array.from(found!), expected);
});

test("convolutions of any number of channels are right", { skip }, async () => {
  const outputs = Object.fromEntries(
    [3, 6, 9, 12, 27].map((channels) => {
      const picture = input(`x${channels}`, [1, channels, 6, 6]);
      return [`y${channels}`, convolution(picture, input(`w${channels}`, [8, channels, 3, 3]))];
    }),
  );
  const feeds = Object.fromEntries(
    [3, 6, 9, 12, 27].flatMap((channels) => [
      [`x${channels}`, numbers(channels * 36, channels)],
      [`w${channels}`, numbers(channels * 72, channels + 1)],
    ]),
  );
  const [expected, found] = await Promise.all(devices.map((device) => evaluate(outputs, feeds, { device })));
  for (const name of Object.keys(outputs)) assert.ok(difference(found![name]!, expected![name]!) < 1e-5, name);
});

/** The small GLIP with one layer of each kind, and its weights of the reference. */
const short = {
  ...glipPresets.nano,
  backbone: { ...glipPresets.nano.backbone, depths: [1, 1, 1, 1] },
  bert: { ...glipPresets.nano.bert, layers: 1 },
  steps: 1,
} as const;
/** Zero, or zero up to rounding: a softmax does not depend on the keys' bias, and the other levels have no boxes. */
const withoutGradient = /key\.bias$|scales\.[1-4]/;
/** Not trained, to save time: other layers of the same kinds are. */
const frozen = /^backbone\.body\.(patch_embed|layers\.[012])/;
/** Numbers of a run on the CPU differ by 2e-6 from its own without rearrangements; WebGPU's exp and division are less exact. */
const MOST = 1e-4;

test("losses and the gradient of every parameter are the CPU's", { skip }, async () => {
  const model = glip(short);
  const weights = await weightsOf(model);
  const [side, tokens] = [64, 8];
  const truths = [{ boxes: Float32Array.of(8, 8, 40, 44, 20, 10, 60, 60), tokens: [[1], [3]] }];
  const batch = {
    ...{ image: numbers(3 * side * side, 1), pictures: 1, height: side, width: side, tokens },
    ids: BigInt64Array.of(101n, 437n, 112n, 389n, 112n, 102n, 0n, 0n),
    mask: Float32Array.of(1, 1, 1, 1, 1, 1, 0, 0),
    targets: targetsOf(truths, anchorsOf(side, side), { tokens, maxTokens: 256 }),
  };
  const results = [];
  for (const device of devices) {
    const step = new GroundingTrainingStep(model, { device, threads: 1, frozen });
    results.push(await step.run(weights, batch));
    await step.dispose();
  }
  const [expected, found] = results as [(typeof results)[0], (typeof results)[0]];
  for (const [name, loss] of Object.entries(expected.losses))
    assert.ok(Math.abs(found.losses[name]! / loss - 1) < MOST, `${name}: ${found.losses[name]} is not ${loss}`);
  const wrong = [...expected.gradients]
    .filter(([name]) => !withoutGradient.test(name))
    .map(([name, gradient]) => ({ name, off: difference(found.gradients.get(name)!, gradient) }))
    .filter(({ off }) => !(off < MOST));
  assert.deepEqual(wrong, []);
});
