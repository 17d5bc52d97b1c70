import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  add,
  averagePool,
  constant,
  convolution,
  expand,
  gather,
  indices,
  input,
  matmul,
  mean,
  pad,
  parameter,
  relu,
  reshape,
  resizeNearest,
  scatterAddRows,
  type Tensor,
  transpose,
} from "../tensor/index.ts";
import { lower, Session, SessionCache } from "./index.ts";
import type { NumbersPlace } from "./proto.ts";
import { KEPT_SESSIONS } from "./session.ts";
import { storeWeights } from "./stored-weights.ts";

function wave(count: number, salt = 0): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + salt));
}

const weights = new Map([
  ["conv.weight", wave(4 * 3 * 9)],
  ["conv.bias", wave(4, 1)],
  ["head.weight", wave(4 * 5, 2)],
]);

/** A convolution, padding to whole windows, pooling, resizing, windows of tokens, a table of positions and a product. */
function model(height: number, width: number): Record<string, Tensor> {
  const image = input("image", [1, 3, height, width]);
  const bias = parameter("conv.bias", [4]);
  const maps = relu(convolution(image, parameter("conv.weight", [4, 3, 3, 3]), { bias, padding: 1 }));
  const padded = pad(maps, [0, 0, 0, 0], [0, 0, (4 - (height % 4)) % 4, (4 - (width % 4)) % 4]);
  const pooled = averagePool(padded, { kernel: 2 });
  const [, c, h, w] = padded.shape as [number, number, number, number];
  const both = add(padded, resizeNearest(pooled, [h, w]));
  const windows = reshape(transpose(reshape(both, [c, h / 4, 4, w / 4, 4]), [1, 3, 2, 4, 0]), [-1, 16, c]);
  const positions = gather(constant(wave(16 * 4, 3), [16, 4]), indices(Array.from({ length: 16 }, (_, i) => 15 - i)));
  const tokens = matmul(add(windows, positions), parameter("head.weight", [4, 5]));
  return { tokens, mean: mean(tokens) };
}

const sizes = [
  [8, 12],
  [9, 5],
  [16, 4],
] as const;

test("traces of one model at several sizes share one session", async () => {
  const stored = await storeWeights(weights);
  const cache = new SessionCache({ weightsFolder: stored.weightsFolder });
  for (const [height, width] of sizes) {
    const feeds = { image: wave(3 * height * width, 5) };
    const trace = lower(model(height, width), { sizes: "fed", baked: stored.baked });
    const found = await cache.run(trace, feeds);
    const alone = await Session.compile(model(height, width));
    const expected = await alone.run(feeds, { weights });
    assert.deepEqual(
      trace.outputs.map((x) => x.shape),
      alone.lowered.outputs.map((x) => x.shape),
    );
    for (const name of ["tokens", "mean"]) near(found[name] as Float32Array, expected[name] as Float32Array);
    await alone.dispose();
  }
  assert.equal(cache.size, 1);
  const file = join(stored.weightsFolder, (stored.baked("conv.weight") as NumbersPlace).file);
  assert.equal(existsSync(file), true);
  await cache.dispose();
  stored.dispose();
  assert.equal(existsSync(file), false);
});

test("weights give the same numbers fed, baked in, and baked in a file", async () => {
  const [height, width] = sizes[0];
  const feeds = { image: wave(3 * height * width, 5) };
  const stored = await storeWeights(weights);
  const fed = await Session.compile(model(height, width));
  const inside = await Session.compile(model(height, width), { baked: (name) => weights.get(name) });
  const beside = await Session.compile(model(height, width), stored);
  const expected = (await fed.run(feeds, { weights })).tokens as Float32Array;
  near((await inside.run(feeds)).tokens as Float32Array, expected);
  near((await beside.run(feeds)).tokens as Float32Array, expected);
  for (const session of [fed, inside, beside]) await session.dispose();
  stored.dispose();
});

test("a thousand sessions made, run and disposed do not grow memory", async () => {
  const x = input("x", [4, 256]);
  const y = relu(matmul(x, constant(wave(256 * 256), [256, 256])));
  const feeds = { x: wave(4 * 256) };
  const cycle = async () => {
    const session = await Session.compile({ y }, { threads: 1 });
    await session.run(feeds);
    await session.dispose();
  };
  for (let i = 0; i < 200; i++) await cycle();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 1000; i++) await cycle();
  const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
  assert.ok(grown < 48, `${grown.toFixed(0)} MB more after 1000 sessions`);
});

test("missing inputs and inputs of another size are all named", async () => {
  const session = await Session.compile(model(8, 12));
  const image = wave(3 * 8 * 12);
  await assert.rejects(session.run({}), {
    name: "InputError",
    message: [
      "input image [1, 3, 8, 12] was not fed",
      "weight conv.bias [4] was not fed",
      "weight conv.weight [4, 3, 3, 3] was not fed",
      "weight head.weight [4, 5] was not fed",
    ].join("\n"),
  });
  await assert.rejects(session.run({ image: wave(7) }, { weights }), {
    name: "InputError",
    message: "input image has 7 numbers for [1, 3, 8, 12]",
  });
  await assert.rejects(session.run({ image }, { weights: new Map([...weights].slice(1)) }), {
    name: "InputError",
    message: "weight conv.weight [4, 3, 3, 3] was not fed",
  });
  await assert.rejects(session.run({ image: Int32Array.from(image) }, { weights }), {
    name: "InputError",
    message: "input image is Int32Array, not float32",
  });
  await session.dispose();
});

test("a name refers to one value", () => {
  const shared = add(input("x", [2]), input("x", [1]));
  assert.throws(() => lower({ y: shared }), { name: "ShapeError", message: /lower: input and input x differ/ });
  assert.throws(() => lower({ x: add(input("x", [2]), 1) }), {
    name: "ShapeError",
    message: /lower: an output has the same name as input x/,
  });
});

function near(found: Float32Array, expected: Float32Array): void {
  assert.equal(found.length, expected.length);
  found.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) < 1e-4, `${value} is not ${expected[i]}`);
  });
}

test("rows are added in one thread, because ONNX Runtime's threads lose some", async () => {
  const rows = 20_000;
  const width = 64;
  const updates = new Float32Array(rows * width).fill(1);
  const index = indices(
    Array.from({ length: rows }, (_, i) => i % 3),
    [rows],
  );
  const sum = scatterAddRows(expand(constant(0), [3, width]), index, input("updates", [rows, width]));
  const session = await Session.compile({ sum }, { threads: 4 });
  assert.equal(session.lowered.oneThread, true);
  const expected = [6667, 6667, 6666].flatMap((count) => new Array(width).fill(count));
  for (let run = 0; run < 5; run++)
    assert.deepEqual(Array.from((await session.run({ updates })).sum as Float32Array), expected);
  await session.dispose();
});

test("the last used sessions are kept, and all structures can be run", async () => {
  const sessions = new SessionCache({ threads: 1 });
  const traces = Array.from({ length: KEPT_SESSIONS + 3 }, (_, i) =>
    lower({ y: Array.from({ length: i + 1 }).reduce<Tensor>((sum) => add(sum, 1), input("x", [1])) }, { sizes: "fed" }),
  );
  const answers = async () => Promise.all(traces.map((trace) => sessions.run(trace, { x: Float32Array.of(0.5) })));
  const expected = traces.map((_, i) => ({ y: Float32Array.of(i + 1.5) }));
  for (let round = 0; round < 3; round++) assert.deepEqual(await answers(), expected);
  for (const trace of traces) await sessions.run(trace, { x: Float32Array.of(0.5) });
  assert.equal(sessions.size, KEPT_SESSIONS);
  await sessions.dispose();
  assert.equal(sessions.size, 0);
});
