import assert from "node:assert/strict";
import { test } from "node:test";
import { Scope } from "../../nn/index.ts";
import { evaluate } from "../../onnx/index.ts";
import { constant, deformableConvolution, sigmoid } from "../../tensor/index.ts";
import { assertKnown, waves, waveWeights } from "../fixtures/check-vectors.ts";
import { dyConv, dynamicRelu, readFlat } from "./dyhead.ts";

const weight = waves([2, 2, 3, 3], 1, 0.5);
const bias = constant([0.1, -0.2]);

function assertRows(actual: Float32Array, expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) <= 6e-5, `${i}: ${value}, expected ${expected[i]}`);
  });
}

test("a coarser map is read with the finer level's offsets as flat memory (check vector V1)", async () => {
  const x = waves([1, 2, 3, 4], 2);
  const offset = readFlat(waves([1, 18, 6, 8], 3, 1.5), 18, 3, 4);
  const mask = readFlat(sigmoid(waves([1, 9, 6, 8], 4, 2)), 9, 3, 4);
  const { out } = await evaluate({
    out: deformableConvolution(x, offset, mask, weight, { bias, stride: 1, padding: 1 }),
  });
  assertRows(
    out,
    [
      -0.0456, 0.11, -0.0189, 0.3029, 0.0025, -0.011, -0.0058, 0.259, 0.0518, -0.229, 0.08, -0.0504, -0.3541, -0.1818,
      -0.3155, 0.0141, -0.298, -0.3134, -0.3001, -0.0382, -0.2421, -0.5311, -0.2198, -0.3502,
    ],
  );
});

test("a finer map is read with a stride of 2 (check vector V1b)", async () => {
  const x = waves([1, 2, 6, 8], 2);
  const offset = waves([1, 18, 3, 4], 3, 1.5);
  const mask = sigmoid(waves([1, 9, 3, 4], 4, 2));
  const { out } = await evaluate({
    out: deformableConvolution(x, offset, mask, weight, { bias, stride: 2, padding: 1 }),
  });
  assertRows(
    out,
    [
      -0.1253, -0.2167, -0.0203, -0.0266, -0.3323, -0.342, -0.3207, -0.2039, 0.0774, 0.2837, 0.313, -0.0275, -0.4349,
      -0.5158, -0.32, -0.3307, -0.6318, -0.6415, -0.6231, -0.5093, -0.2151, -0.0138, 0.0031, -0.3279,
    ],
  );
});

test("the dynamic activation takes slopes and offsets in the reference's order (check vector V2)", async () => {
  const s = new Scope();
  const relu = dynamicRelu(s, 8);
  const weights = waveWeights(s.parameters, 10, 0.5);
  const { out } = await evaluate({ out: relu(waves([1, 8, 2, 3], 5)) }, {}, { weights });
  assertKnown(out, {
    first: [0.04513, -0.00952, 0.10413],
    last: [0.1023, 0.0468, 0.08932],
    sum: 14.8075,
    size: 16.0229,
  });
});

test("a step of the head joins neighbouring levels as the reference does (check vector V3)", async () => {
  const s = new Scope();
  const step = dyConv(s, { channels: 16, groups: 16 });
  const weights = waveWeights(s.parameters, 20, 0.1);
  const maps = [waves([1, 16, 8, 8], 1), waves([1, 16, 4, 4], 2), waves([1, 16, 2, 2], 3)];
  const recorded: string[] = [];
  const [fine, middle, coarse] = step(maps, (name) => recorded.push(name));
  const out = await evaluate({ fine: fine!, middle: middle!, coarse: coarse! }, {}, { weights });
  assertKnown(out.fine, {
    first: [0.12027, 0.10534, 0.01484],
    last: [-0.01517, -0.02045, -0.02007],
    sum: 133.5778,
    size: 139.0856,
  });
  assertKnown(out.middle, {
    first: [0.05359, 0.23461, 0.15262],
    last: [-0.01118, 0.09883, -0.01046],
    sum: 22.9139,
    size: 24.3458,
  });
  assertKnown(out.coarse, {
    first: [0.29375, 0.0239, 0.169],
    last: [0.13295, -0.01969, 0.32506],
    sum: 9.0252,
    size: 9.4555,
  });
  assert.equal(recorded.filter((name) => name.startsWith("dyconv")).length, 3);
});
