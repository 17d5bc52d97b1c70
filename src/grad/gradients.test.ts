import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, lower } from "../onnx/index.ts";
import {
  abs,
  add,
  constant,
  convolution,
  gridSample,
  indices,
  input,
  multiply,
  reshape,
  roiAlign,
  slice,
  stopGradient,
  sum,
  type Tensor,
  tanh,
  total,
} from "../tensor/index.ts";
import { gradients, operandGradients } from "./gradients.ts";

const x = input("x", [3]);
const feeds = { x: Float32Array.of(1, 2, -3) };

test("gradients of all uses of a tensor are added", async () => {
  const [slope] = gradients(total(add(multiply(x, x), multiply(x, 5))), [x]);
  assert.deepEqual([...(await evaluate({ slope: slope! }, feeds)).slope], [7, 9, -1]);
});

test("stopGradient stops gradients and keeps the value", async () => {
  const value = stopGradient(multiply(x, 2));
  const [slope] = gradients(total(multiply(value, x)), [x]);
  const found = await evaluate({ value, slope: slope! }, feeds);
  assert.deepEqual([...found.value], [2, 4, -6]);
  assert.deepEqual([...found.slope], [2, 4, -6]);
});

test("a tensor that the loss does not depend on has gradient zero", async () => {
  const other = input("other", [2, 1]);
  const [slope] = gradients(total(x), [other]);
  assert.deepEqual(slope!.shape, [2, 1]);
  assert.deepEqual([...(await evaluate({ slope: slope! })).slope], [0, 0]);
});

test("gradients follow paths through other requested tensors; operand gradients do not", async () => {
  const y = multiply(x, x);
  const z = multiply(y, x);
  const all = gradients(total(z), [x, y]);
  const apart = operandGradients(z, constant([1, 10, 100]), [x, y]);
  const found = await evaluate({ slopeX: all[0]!, slopeY: all[1]!, apartX: apart[0]!, apartY: apart[1]! }, feeds);
  assert.deepEqual([...found.slopeX], [3, 12, 27]);
  assert.deepEqual([...found.slopeY], [1, 2, -3]);
  assert.deepEqual([...found.apartX], [1, 40, 900]);
  assert.deepEqual([...found.apartY], [1, 20, -300]);
});

test("gradients of gradients are gradients", async () => {
  const [slope] = gradients(total(multiply(multiply(x, x), x)), [x]);
  const [curve] = gradients(total(slope!), [x]);
  assert.deepEqual([...(await evaluate({ curve: curve! }, feeds)).curve], [6, 12, -18]);
});

test("a loss that is not a scalar is refused", () => {
  assert.throws(() => gradients(sum(add(x, constant([1, 2], [2, 1])), [0]), [x]), {
    name: "ShapeError",
    message: "gradients: the loss is not a scalar; operands [1, 3]; in (no scope)",
  });
});

test("an operand computed from another is not counted twice", async () => {
  const map = input("map", [1, 2, 4, 4]);
  const flat = slice(reshape(map, [8, 4]), { axis: 0, end: 3 });
  const boxes = add(abs(flat), constant([0, 0, 2, 2]));
  const options = { size: [2, 2], scale: 1, samplingRatio: 2, aligned: true } as const;
  const pictures = indices([0, 0, 0]);
  const ofBoxes = (of: Tensor) => gradients(total(roiAlign(map, of, pictures, options)), [map])[0]!;
  const numbers = Float32Array.from({ length: 32 }, (_, i) => Math.sin(i) * 0.9);
  const found = await evaluate({ made: ofBoxes(boxes), stopped: ofBoxes(stopGradient(boxes)) }, { map: numbers });
  assert.deepEqual(found.made, found.stopped);

  const grid = (of: Tensor) =>
    gridSample(of, reshape(tanh(slice(reshape(of, [32]), { axis: 0, end: 8 })), [1, 2, 2, 2]));
  const [slope] = gradients(total(grid(map)), [map]);
  const at = async (move: number) =>
    (await evaluate({ y: total(grid(map)) }, { map: numbers.map((x, i) => (i === 3 ? x + move : x)) })).y[0]!;
  const expected = ((await at(0.01)) - (await at(-0.01))) / 0.02;
  const { slope: all } = await evaluate({ slope: slope! }, { map: numbers });
  assert.ok(Math.abs(all[3]! - expected) < 1e-3, `${all[3]} is not ${expected}`);
});

test("the gradient of a strided convolution has one structure for even and odd sizes", () => {
  const bytes = [8, 7].flatMap((height) =>
    [10, 9].map((width) => {
      const x = input("x", [1, 2, height, width]);
      const y = convolution(x, input("weight", [3, 2, 3, 3]), { stride: 2, padding: 1 });
      const [dx] = gradients(total(multiply(y, y)), [x]);
      assert.deepEqual(dx!.shape, x.shape);
      return Buffer.from(lower({ dx: dx! }, { sizes: "fed" }).bytes).toString("hex");
    }),
  );
  assert.equal(new Set(bytes).size, 1);
});
