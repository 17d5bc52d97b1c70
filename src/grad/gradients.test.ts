import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate } from "../onnx/index.ts";
import { add, constant, input, multiply, stopGradient, sum, total } from "../tensor/index.ts";
import { gradients, operandGradients } from "./gradients.ts";

const x = input("x", [3]);
const feeds = { x: Float32Array.of(1, 2, -3) };

test("gradients of all the uses of a tensor add up", async () => {
  const [slope] = gradients(total(add(multiply(x, x), multiply(x, 5))), [x]);
  assert.deepEqual([...(await evaluate({ slope: slope! }, feeds)).slope], [7, 9, -1]);
});

test("gradients end where they are stopped, and the value stays", async () => {
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

test("gradients follow one tensor asked for through another; operand gradients do not", async () => {
  const y = multiply(x, x);
  const z = multiply(y, x);
  const all = gradients(total(z), [x, y]);
  const apart = operandGradients(z, constant([1, 10, 100]), [x, y]);
  const found = await evaluate({ x: all[0]!, y: all[1]!, apartX: apart[0]!, apartY: apart[1]! }, feeds);
  assert.deepEqual([...found.x], [3, 12, 27]);
  assert.deepEqual([...found.y], [1, 2, -3]);
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
