import assert from "node:assert/strict";
import { test } from "node:test";
import { anchorsOf } from "../../boxes/anchors.ts";
import { encodeBoxes } from "../../boxes/box-coder.ts";
import { evaluate } from "../../onnx/index.ts";
import { constant } from "../../tensor/index.ts";
import { glipLossesOf } from "./fixtures/glip-losses.ts";
import { boxLoss, tokenTerm } from "./losses.ts";
import { targetsOf } from "./targets.ts";

const wave = (count: number, start: number, scale = 1, base = 0) =>
  Float32Array.from({ length: count }, (_, i) => base + scale * Math.sin(0.7 * i + start));

function near(actual: number, expected: number, most = 2e-6): void {
  assert.ok(Math.abs(actual - expected) <= most * Math.max(1, Math.abs(expected)), `${actual}, expected ${expected}`);
}

/** One level of `places` anchors with `tokens` words, all its outputs zero unless given. */
function level(places: number, tokens: number, given: { logits?: number[]; offsets?: number[] }) {
  const numbers = (values: number[] | undefined, count: number) => values ?? new Float32Array(count);
  return {
    logits: constant(numbers(given.logits, places * tokens), [1, places, tokens]),
    offsets: constant(numbers(given.offsets, 4 * places), [1, 4, 1, places]),
    centerness: constant(new Float32Array(places), [1, 1, 1, places]),
  };
}

const sizes = { pictures: 1, height: 256, width: 320, tokens: 256 };

test("masked words have no loss (check vector V8)", async () => {
  const targets = {
    "target.tokens": constant([1, 0, 1, 0], [1, 1, 4]),
    "target.mask": constant([1, 1, 1, 0], [1, 4]),
    "target.positiveCount": constant([1], []),
  };
  const { token } = await evaluate({
    token: tokenTerm.loss([level(1, 4, { logits: [0.5, -2, 3, 0.1] })], targets, sizes),
  });
  near(token[0]!, 0.01689337 + 0.00135267 + 0.00002732, 2e-8);
});

test("boxes are compared without +1 and weighted by centerness (check vector V7)", async () => {
  const anchors = Float32Array.of(-28, -28, 35, 35, 100, 50, 227, 177);
  const boxes = Float32Array.of(0, 2, 40, 60, 110, 40, 260, 190);
  const encoded = encodeBoxes(boxes, anchors);
  [2.578125, 4.296875, -2.226555, -0.406728, 1.6796875, 0.1171875, 0.826248, 0.826248].forEach((value, i) => {
    near(encoded[i]!, value);
  });
  const lossOf = async (centerness: number[]) => {
    const targets = {
      "target.boxes": constant(boxes, [1, 2, 4]),
      "target.centerness": constant(centerness, [1, 2]),
      "target.centernessSum": constant([1], []),
    };
    const answers = level(2, 1, { offsets: [0.1, 0, -0.2, 0, 0.3, 0, -0.1, 0] });
    const { loss } = await evaluate({ loss: boxLoss([answers], anchors, targets) });
    return loss[0]!;
  };
  near(await lossOf([1, 1]), 2 * 1.303489);
  near(await lossOf([0.5, 0.25]), 2 * 0.555628);
});

test("a picture with four boxes has the reference's three losses (check vector V9)", async () => {
  const levels = anchorsOf(256, 320);
  const sides = [8, 16, 32, 64, 128].map((stride) => [Math.ceil(256 / stride), Math.ceil(320 / stride)] as const);
  const outputs = sides.map(([h, w], l) => ({
    logits: constant(wave(h * w * 256, 20 + l, 2, -3), [1, h * w, 256]),
    offsets: constant(wave(4 * h * w, l, 0.3), [1, 4, h, w]),
    centerness: constant(wave(h * w, 10 + l), [1, 1, h, w]),
  }));
  const boxes = Float32Array.of(20, 30, 140, 200, 100, 60, 180, 120, 250, 10, 290, 40, 120, 70, 170, 110);
  const truth = { boxes, tokens: [[1], [3, 4], [6], [8]] };
  const targets = targetsOf([truth], levels, { tokens: 256, maxTokens: 256 });
  const mask = Float32Array.from({ length: 256 }, (_, i) => (i <= 10 ? 1 : 0));
  const found = await evaluate(glipLossesOf(outputs, sizes), { "target.mask": mask, ...targets });
  near(found.loss_reg![0]!, 0.920296);
  near(found.loss_centerness![0]!, 0.800237);
  near(found.loss_dot_product_token![0]!, 2.926069);
  near(found.total![0]!, 0.920296 + 0.800237 + 2.926069);
});
