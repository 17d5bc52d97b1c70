/** Models with fewer bits: float16, and 8-bit weights in products. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { cases, recorded } from "../grad/fixtures/operation-cases.ts";
import {
  add,
  divide,
  gather,
  gelu,
  input,
  layerNorm,
  matmul,
  type Numbers,
  parameter,
  reshape,
  softmax,
  swapLast,
  type Tensor,
} from "../tensor/index.ts";
import { type LowerOptions, lower, Session, type SessionOptions } from "./index.ts";
import { storeWeights } from "./stored-weights.ts";

const width = 192;
const weights = new Map<string, Float32Array>();
let drawn = 1;
function weight(name: string, shape: number[], scale: number, shift = 0): Tensor {
  const numbers = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < numbers.length; i++) {
    drawn = (Math.imul(drawn, 1664525) + 1013904223) | 0;
    numbers[i] = shift + (scale * drawn) / 2 ** 31;
  }
  weights.set(name, numbers);
  return parameter(name, shape);
}
const norm = (x: Tensor, name: string) =>
  layerNorm(x, weight(`${name}.weight`, [width], 0.2, 1), weight(`${name}.bias`, [width], 0.2));

/** Two transformer layers over 16 words from a table, and a product with a transposed weight. */
const ids = input("ids", [16], "int64");
let x = gather(weight("table", [50, width], 1), ids);
for (const layer of ["0", "1"]) {
  const project = (of: Tensor, name: string, from: number, to: number) =>
    matmul(of, swapLast(weight(`${layer}.${name}`, [to, from], 1.7 / Math.sqrt(from))));
  const scores = matmul(project(x, "query", width, width), swapLast(project(x, "key", width, width)));
  x = norm(
    add(x, matmul(softmax(divide(scores, Math.sqrt(width))), project(x, "value", width, width))),
    `${layer}.norm1`,
  );
  x = norm(add(x, project(gelu(project(x, "fc1", width, 4 * width)), "fc2", 4 * width, width)), `${layer}.norm2`);
}
const y = matmul(reshape(x, [1, 16, width]), weight("head", [width, 40], 1.7 / Math.sqrt(width)));
const feeds = { ids: BigInt64Array.from({ length: 16 }, (_, i) => BigInt((i * 7) % 50)) };

async function run(options: SessionOptions): Promise<Float32Array> {
  const session = await Session.compile({ y }, options);
  const { y: found } = await session.run(feeds, { weights });
  await session.dispose();
  return found as Float32Array;
}

/** Root mean square of the difference, divided by that of the numbers. */
function drift(found: Float32Array, expected: Float32Array): number {
  const square = (of: (i: number) => number) => expected.reduce((sum, _, i) => sum + of(i) ** 2, 0);
  return Math.sqrt(square((i) => found[i]! - expected[i]!) / square((i) => expected[i]!));
}

const narrow = [
  ["float16", { precision: "float16" }, 0.001, 0.004, 0.52],
  ["8-bit weights", { weightBits: 8 }, 0.001, 0.02, 0.32],
  ["both", { precision: "float16", weightBits: 8 }, 0.001, 0.02, 0.3],
] as const satisfies (readonly [string, LowerOptions, number, number, number])[];

for (const [name, options, least, most, size] of narrow)
  test(`${name}: a transformer's outputs change little, and its model is smaller`, async () => {
    const baked = (key: string) => weights.get(key);
    const expected = await run({ baked });
    const stored = await storeWeights(weights);
    const inside = drift(await run({ baked, ...options }), expected);
    const beside = drift(await run({ ...stored, ...options }), expected);
    assert.ok(inside > least / 10 && inside < most, `drifts by ${inside}`);
    assert.ok(Math.abs(inside - beside) < 1e-6, `${beside} from a file`);
    const share = lower({ y }, { baked, ...options }).bytes.length / lower({ y }, { baked }).bytes.length;
    assert.ok(share < size, `takes ${share} of the bytes`);
    stored.dispose();
  });

test("every operation of a forward pass runs in float16", async () => {
  const outputs: Record<string, Tensor> = {};
  const numbers: Record<string, Numbers> = {};
  for (const [name, make] of Object.entries(cases)) {
    if (name.startsWith("scatterAdd")) continue; // which gradients need; ONNX Runtime adds in float32 alone
    const inputs = recorded[name]!.inputs.map((of, i) => {
      numbers[`${name} ${i}`] =
        of.type === "int64"
          ? BigInt64Array.from(of.numbers.map(BigInt))
          : of.type === "bool"
            ? Uint8Array.from(of.numbers)
            : Float32Array.from(of.numbers);
      return input(`${name} ${i}`, of.shape, of.type);
    });
    outputs[name] = make(...inputs);
  }
  const session = await Session.compile(outputs, { precision: "float16" });
  const found = await session.run(numbers);
  await session.dispose();
  for (const name of Object.keys(outputs)) {
    const { numbers: expected } = recorded[name]!.value;
    const most = Math.max(1, ...expected.map(Math.abs));
    expected.forEach((value, i) => {
      const difference = Math.abs(Number(found[name]![i]) - value) / most;
      assert.ok(difference < 0.02, `${name}: ${found[name]![i]} is not ${value}`);
    });
  }
});

test("8-bit weights are refused where only standard operators may be used", () => {
  assert.throws(() => lower({ y }, { weightBits: 8, portable: true }), {
    name: "InputError",
    message: /remove portable/,
  });
});
