import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadModel } from "../src/index.ts";
import { loadWeights } from "../src/weights/fit.ts";
import { fromFloat32, toFloat32 } from "../src/weights/float-conversion.ts";
import { openWeights } from "../src/weights/open-weights.ts";
import { writeSafetensors } from "../src/weights/write-safetensors.ts";
import { temporaryFolder, writeTinyModel } from "./cli/running.ts";

const folder = temporaryFolder();
const temporary = join(folder, "temporary");
const usual = process.env.TMPDIR;
const model = join(folder, "model");
const weights = join(model, "model.safetensors");
/** The same numbers in float32 and float16. */
const stored = { F32: join(folder, "f32.safetensors"), F16: join(folder, "f16.safetensors") };
const picture = {
  data: new Uint8Array(96 * 64 * 3).map((_, i) => i * 31),
  width: 96,
  height: 64,
  channels: 3 as const,
};

before(async () => {
  mkdirSync(temporary);
  process.env.TMPDIR = temporary;
  await writeTinyModel(model);
  const file = await openWeights(weights);
  const halves = [];
  for (const { name, shape } of file.entries.values()) {
    const data = fromFloat32("F16", await file.readFloat32(name)) as Uint16Array;
    halves.push({ name, dtype: "F16" as const, shape, data });
  }
  await file.close();
  await writeSafetensors(stored.F16, halves);
  const widened = halves.map((one) => ({ ...one, dtype: "F32" as const, data: toFloat32("F16", one.data) }));
  await writeSafetensors(stored.F32, widened);
});
after(() => {
  if (usual === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = usual;
  rmSync(folder, { recursive: true });
});

/** Puts a file in the place of the model's weights, as our own writers do. */
function use(bytes: Uint8Array): void {
  writeFileSync(`${weights}.draft`, bytes);
  renameSync(`${weights}.draft`, weights);
}

async function detections(options: Parameters<typeof loadModel>[1] = {}): Promise<string> {
  const loaded = await loadModel(model, options);
  try {
    return JSON.stringify(await loaded.detect(picture, ["dog", "red apple"], { threshold: 0.01 }));
  } finally {
    await loaded.dispose();
  }
}

/** The file with its header one byte longer, so that no tensor stands at a multiple of its size. */
function misaligned(bytes: Buffer): Buffer {
  const length = Number(bytes.readBigUInt64LE(0)) + 1;
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(length));
  return Buffer.concat([start, bytes.subarray(8, 7 + length), Buffer.from(" "), bytes.subarray(7 + length)]);
}

test("weights in float32 and float16 are mapped from their file, and answer as the same numbers in memory do", async () => {
  const found: string[] = [];
  for (const path of [stored.F32, stored.F16]) {
    use(readFileSync(path));
    found.push(await detections());
    assert.deepEqual(readdirSync(temporary), []);
  }
  // What stands at odd bytes cannot be mapped, and goes through memory.
  use(misaligned(readFileSync(stored.F16)));
  found.push(await detections());
  assert.ok(JSON.parse(found[0]!).length > 0);
  assert.deepEqual(found, Array(3).fill(found[0]));
});

test("float16 and 8-bit models are the same of mapped weights as of those in memory", async () => {
  for (const options of [{ precision: "float16" }, { weightBits: 8 }] as const) {
    const found: string[] = [];
    for (const bytes of [readFileSync(stored.F32), readFileSync(stored.F16), misaligned(readFileSync(stored.F16))]) {
      use(bytes);
      found.push(await detections(options));
    }
    assert.deepEqual(found, Array(3).fill(found[0]));
  }
});

test("only whole numbers of float32 and float16 are mapped, within their file", async () => {
  const size = readFileSync(stored.F16).length;
  const file = await openWeights(stored.F16);
  const read = await loadWeights([...file.entries.values()], file);
  await file.close();
  for (const { name, bytes } of file.entries.values()) {
    const { offset, length, read: again } = file.inFile(name)!;
    assert.ok(length === bytes && offset % 2 === 0 && offset + length <= size, name);
    assert.deepEqual(again(), read.get(name));
  }
  const others = join(folder, "others.safetensors");
  await writeSafetensors(others, [
    { name: "brain", dtype: "BF16", shape: [2], data: Uint16Array.of(1, 2) },
    { name: "double", dtype: "F64", shape: [1], data: Float64Array.of(1) },
    { name: "none", dtype: "F32", shape: [0], data: new Float32Array() },
  ]);
  const other = await openWeights(others);
  assert.deepEqual(
    other.names.map((name) => other.inFile(name)),
    [undefined, undefined, undefined],
  );
  await other.close();
});

test("a model whose file was replaced answers from the old one, and makes no session of the new one", async () => {
  use(readFileSync(stored.F32));
  const loaded = await loadModel(model);
  const known = await loaded.detect(picture, ["dog"], { threshold: 0.01 });
  use(readFileSync(stored.F16));
  assert.deepEqual(await loaded.detect({ ...picture }, ["dog"], { threshold: 0.01 }), known);
  await loaded.dispose();
  for (const change of [
    () => use(readFileSync(stored.F32)),
    () => utimesSync(weights, 1, 1),
    () => writeFileSync(weights, readFileSync(stored.F32)),
    () => rmSync(weights),
  ]) {
    use(readFileSync(stored.F32));
    const changing = await loadModel(model);
    change();
    await assert.rejects(changing.detect(picture, ["dog"]), (error: Error) => {
      assert.deepEqual([error.name, error.message.startsWith(weights)], ["InputError", true]);
      assert.match(error.message, /was changed or removed after it was loaded; load the model again$/);
      return true;
    });
    await changing.dispose();
  }
});
