import assert from "node:assert/strict";
import { test } from "node:test";
import { Scope } from "../../nn/index.ts";
import { evaluate } from "../../onnx/index.ts";
import {
  add,
  concat,
  input,
  matmul,
  mean,
  multiply,
  parameter,
  reshape,
  slice,
  softmax,
  swapLast,
  type Tensor,
  transpose,
} from "../../tensor/index.ts";
import { attentionPool } from "./attention-pool.ts";
import { modifiedResNet } from "./modified-resnet.ts";
import { foldedNorm, foldNorms, frozenNorm, trainedNorm } from "./normed-convolution.ts";

/** Uniform random numbers from a seed. */
function uniformFrom(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x80000000;
  };
}

/** Small values for every parameter; for norms near one. */
function weightsOf(s: Scope): Map<string, Float32Array> {
  const uniform = uniformFrom(3);
  return new Map(
    s.parameters.map(({ name, shape }) => {
      const base = /bn\d\.weight$|downsample\.1\.weight$|running_var$/.test(name) ? 1 : 0;
      const count = shape.reduce((product, size) => product * size, 1);
      return [name, Float32Array.from({ length: count }, () => base + 0.5 * (uniform() - 0.5))];
    }),
  );
}

const apart = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

test("the maps of every stage have their channels and strides, without odd rows and columns", () => {
  const body = modifiedResNet(new Scope(), { blocks: [1, 2, 1, 1], width: 8 }, frozenNorm);
  const shapes = [body.stem(input("picture", [1, 3, 70, 101]))];
  for (const stage of [1, 2, 3, 4] as const) shapes.push(body.stage(stage, shapes.at(-1)!));
  assert.deepEqual(
    shapes.map(({ shape }) => shape),
    [
      [1, 8, 17, 25],
      [1, 32, 17, 25],
      [1, 64, 8, 12],
      [1, 128, 4, 6],
      [1, 256, 2, 3],
    ],
  );
});

test("merging batch norms into convolutions changes only rounding", async () => {
  const config = { blocks: [1, 1, 1, 1], width: 4 } as const;
  const picture = Float32Array.from({ length: 3 * 32 * 32 }, uniformFrom(5));
  const [plain, folded] = [new Scope(), new Scope()];
  const answer = async (body: ReturnType<typeof modifiedResNet>, weights: Map<string, Float32Array>) => {
    const map = body.stage(2, body.stage(1, body.stem(input("picture", [1, 3, 32, 32]))));
    return (await evaluate({ map }, { picture }, { weights })).map;
  };
  const bodies = [modifiedResNet(plain, config, frozenNorm), modifiedResNet(folded, config, foldedNorm)] as const;
  const weights = weightsOf(plain);
  const taken = foldNorms(weights);
  assert.deepEqual([...taken.keys()].sort(), folded.parameters.map(({ name }) => name).sort());
  const before = new Map([...weights].map(([name, numbers]) => [name, numbers.slice()]));
  const expected = await answer(bodies[0], weights);
  assert.ok(apart(await answer(bodies[1], taken), expected) < 1e-5);
  assert.deepEqual(weights, before);
});

test("running statistics move by a tenth towards the batch's, with unbiased variance", async () => {
  const s = new Scope();
  const layer = trainedNorm(s.at("conv1"), s.at("bn1"), { inputs: 1, outputs: 1, kernel: 1 });
  const y = layer(input("x", [1, 1, 1, 4]));
  const outputs = { y, mean: s.records.get("bn1.running_mean")!, variance: s.records.get("bn1.running_var")! };
  const weights = new Map([
    ["conv1.weight", Float32Array.of(2)],
    ["bn1.weight", Float32Array.of(1)],
    ["bn1.bias", Float32Array.of(0.5)],
    ["bn1.running_mean", Float32Array.of(1)],
    ["bn1.running_var", Float32Array.of(2)],
  ]);
  // The values 2, 4, 6, 8 twice: mean 5, variance 5, unbiased 20/3.
  const found = await evaluate(outputs, { x: Float32Array.of(1, 2, 3, 4) }, { weights });
  assert.ok(apart(found.mean, Float32Array.of(1.4)) < 1e-6);
  assert.ok(apart(found.variance, Float32Array.of(1.8 + 2 / 3)) < 1e-6);
  const expected = [-3, -1, 1, 3].map((away) => away / Math.sqrt(5 + 1e-5) + 0.5);
  assert.ok(apart(found.y, Float32Array.from(expected)) < 1e-6);
});

test("the attention pool equals the first output of attention at every position", async () => {
  const [side, channels, heads, outputs] = [2, 16, 4, 5];
  const s = new Scope();
  const pool = attentionPool(s, { side, channels, heads, outputs });
  const weights = weightsOf(s);
  const map = input("map", [2, channels, side, side]);
  const numbers = Float32Array.from({ length: 2 * channels * side * side }, uniformFrom(9));
  const { short, long } = await evaluate(
    { short: pool(map), long: everyPlace(s, map, { heads, channels }) },
    { map: numbers },
    { weights },
  );
  assert.ok(apart(short, long) < 1e-6);
});

/** The attention pool as in the reference. */
function everyPlace(s: Scope, map: Tensor, { heads, channels }: { heads: number; channels: number }): Tensor {
  const shapes = new Map(s.parameters.map(({ name, shape }) => [name, shape]));
  const of = (name: string) => parameter(name, shapes.get(name)!);
  const project = (name: string, x: Tensor) => add(matmul(x, swapLast(of(`${name}.weight`))), of(`${name}.bias`));
  const n = map.shape[0]!;
  const flat = swapLast(reshape(map, [n, channels, -1]));
  const tokens = add(concat([mean(flat, [1]), flat], 1), of("positional_embedding"));
  const perHead = (name: string) =>
    transpose(reshape(project(name, tokens), [n, -1, heads, channels / heads]), [0, 2, 1, 3]);
  const scores = multiply(matmul(perHead("q_proj"), swapLast(perHead("k_proj"))), (channels / heads) ** -0.5);
  const mixed = transpose(matmul(softmax(scores), perHead("v_proj")), [0, 2, 1, 3]);
  const first = slice(reshape(mixed, [n, -1, channels]), { axis: 1, end: 1 });
  return project("c_proj", reshape(first, [n, channels]));
}
