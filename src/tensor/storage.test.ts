/** How element types are stored, from the inputs of a run to its outputs. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Session } from "../onnx/index.ts";
import { add, cast, type ElementType, input, matmul, type Numbers, reshape, toFloat16 } from "./index.ts";

const held: Record<ElementType, Numbers> = {
  float32: Float32Array.of(0, 1, 1),
  float16: toFloat16([0, 1, 1]),
  int64: BigInt64Array.of(0n, 1n, 1n),
  int32: Int32Array.of(0, 1, 1),
  bool: Uint8Array.of(0, 1, 1),
  uint8: Uint8Array.of(0, 1, 1),
};

for (const type of Object.keys(held) as ElementType[])
  test(`${type} can be an input, be moved, cast there and back, and be an output`, async () => {
    const x = input("x", [3], type);
    const whole = cast(x, "float32");
    const outputs = { moved: reshape(x, [3, 1]), more: add(whole, 1), back: cast(whole, type) };
    const session = await Session.compile(outputs);
    const found = await session.run({ x: held[type] });
    await session.dispose();
    assert.deepEqual(bytesOf(found.moved!), bytesOf(held[type]));
    assert.deepEqual(found.more, Float32Array.of(1, 2, 2));
    assert.deepEqual(bytesOf(found.back!), bytesOf(held[type]));
  });

test("sums and products of float16 stay float16", async () => {
  const x = input("x", [3], "float16");
  const outputs = { sum: add(x, x), product: matmul(reshape(x, [1, 3]), reshape(x, [3, 1])) };
  assert.deepEqual([outputs.sum.type, outputs.product.type], ["float16", "float16"]);
  const session = await Session.compile(outputs);
  const { sum, product } = await session.run({ x: held.float16 });
  await session.dispose();
  assert.deepEqual(bytesOf(sum!), bytesOf(toFloat16([0, 2, 2])));
  assert.deepEqual(bytesOf(product!), bytesOf(toFloat16([2])));
});

function bytesOf(numbers: Numbers): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
