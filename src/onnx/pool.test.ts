import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../data/random.ts";
import { add, dropout, input, matmul, parameter } from "../tensor/index.ts";
import { lower } from "./index.ts";
import { SessionPool } from "./pool.ts";
import { storeWeights } from "./stored-weights.ts";
import { KEPT_TRACES } from "./traces.ts";

const size = 48;
const weight = Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 2 : 0));
const model = (rows: number) => ({ y: add(matmul(input("x", [rows, size]), parameter("weight", [size, size])), 1) });
const rowsOf = (rows: number, value: number) => new Float32Array(rows * size).fill(value);

test("a pool runs many requests at once with weights in a file, and does not block the thread", async () => {
  const stored = await storeWeights([["weight", weight]]);
  const pool = new SessionPool({ workers: 2, weightsFolder: stored.weightsFolder });
  const traces = [3, 5].map((rows) => lower(model(rows), { ...stored, sizes: "fed" }));
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 1);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => pool.run(traces[i % 2]!, { x: rowsOf([3, 5][i % 2]!, i) })),
  );
  clearInterval(ticking);
  answers.forEach(({ y }, i) => {
    assert.deepEqual(y, rowsOf([3, 5][i % 2]!, 2 * i + 1));
  });
  assert.ok(ticks > 0);
  await pool.dispose();
  stored.dispose();
});

test("weights are fed to a pool over shared memory", async () => {
  const shared = new Float32Array(new SharedArrayBuffer(weight.byteLength));
  shared.set(weight);
  const pool = new SessionPool({ workers: 1 });
  const trace = lower(model(2));
  const { y } = await pool.run(trace, { x: rowsOf(2, 3) }, { weights: new Map([["weight", shared]]) });
  assert.deepEqual(y, rowsOf(2, 7));
  await pool.dispose();
});

test("a pool writes results to shared memory, and sends the others", async () => {
  const pool = new SessionPool({ workers: 1 });
  const x = input("x", [2, size]);
  const trace = lower({ y: add(x, 1), z: add(x, 2) });
  const y = new Float32Array(new SharedArrayBuffer(8 * size));
  for (const value of [3, 5]) {
    const found = await pool.run(trace, { x: rowsOf(2, value) }, { results: { y } });
    assert.deepEqual(Float32Array.from(y), rowsOf(2, value + 1));
    assert.deepEqual(found.z, rowsOf(2, value + 2));
  }
  await pool.dispose();
});

test("errors of a worker are reported, and the worker continues", async () => {
  const pool = new SessionPool({ workers: 1 });
  const trace = lower(model(2), { baked: () => weight });
  await assert.rejects(pool.run(trace, {}), { name: "InputError", message: `input x [2, ${size}] was not fed` });
  assert.deepEqual((await pool.run(trace, { x: rowsOf(2, 1) })).y, rowsOf(2, 3));
  const unfinished = pool.run(trace, { x: rowsOf(2, 1) });
  const disposed = pool.dispose();
  await assert.rejects(unfinished, { name: "InputError", message: "the pool of sessions was disposed" });
  await disposed;
  await assert.rejects(pool.run(trace, {}), { message: "the pool of sessions was disposed" });
});

test("dropout in a pool follows the order of the runs, as it does in one session", async () => {
  const trace = lower({ y: dropout(input("x", [2, size]), 0.5) }, { training: true });
  const inPool = async (workers: number) => {
    const pool = new SessionPool({ workers });
    const random = new Random(7);
    const settings = { random: () => random.unit() };
    const found = await Promise.all([1, 2, 3].map((value) => pool.run(trace, { x: rowsOf(2, value) }, settings)));
    await pool.dispose();
    return found;
  };
  const alone = await inPool(1);
  assert.deepEqual(await inPool(2), alone);
  const zeros = (alone[0]!.y as Float32Array).filter((value) => value === 0).length;
  assert.ok(zeros > 0 && zeros < 2 * size);
  assert.notDeepEqual(alone[0]!.y, alone[1]!.y);
});

test("a worker keeps the traces used last, and is sent others again", async () => {
  const count = KEPT_TRACES + 3;
  const traces = Array.from({ length: count }, (_, i) => lower(model(i + 1), { baked: () => weight, sizes: "fed" }));
  const pool = new SessionPool({ workers: 1 });
  for (let turn = 0; turn < 2; turn++)
    for (const [i, trace] of traces.entries())
      assert.deepEqual((await pool.run(trace, { x: rowsOf(i + 1, turn) })).y, rowsOf(i + 1, 2 * turn + 1));
  await pool.dispose();
});
