import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import sharp from "sharp";
import { duckdb, literal } from "../../src/data/duckdb.ts";
import { Random } from "../../src/data/random.ts";
import { clip } from "../../src/models/clip/clip.ts";
import { clipPresets } from "../../src/models/clip/clip-presets.ts";
import { openWeights } from "../../src/weights/open-weights.ts";
import { writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { groundling, temporaryFolder } from "./running.ts";

const folder = temporaryFolder();
const model = join(folder, "clip.safetensors");
const pictures = ["red", "green"].map((colour) => join(folder, `${colour}.png`));
before(async () => {
  const random = new Random(1, "tiny clip");
  const tensors = clip(clipPresets["nano-vit"]).parameters.map(({ name, shape, initialise }) => ({
    name,
    dtype: "F32" as const,
    shape,
    data: initialise(shape, () => random.unit()),
  }));
  await writeSafetensors(model, tensors);
  for (const [i, path] of pictures.entries())
    await sharp({ create: { width: 90, height: 70, channels: 3, background: ["#f00", "#0f0"][i]! } })
      .png()
      .toFile(path);
});
after(() => rmSync(folder, { recursive: true }));

test("each picture gets its names, best first, with scores that add up to 1", async () => {
  const words = ["classify", ...pictures, "--model", model, "--labels", "red,green,blue", "--format", "json"];
  const { code, stdout, stderr } = await groundling(words);
  assert.deepEqual([code, stderr], [0, ""]);
  const answers = JSON.parse(stdout) as { image: string; classes: { label: string; score: number }[] }[];
  assert.deepEqual(
    answers.map(({ image }) => image),
    pictures,
  );
  for (const { classes } of answers) {
    assert.deepEqual(classes.map(({ label }) => label).sort(), ["blue", "green", "red"]);
    assert.ok(Math.abs(classes.reduce((sum, { score }) => sum + score, 0) - 1) < 1e-6);
  }
});

test("prompt templates by name or one by one, and a table of the best names", async () => {
  const words = ["classify", pictures[0]!, "--model", model, "--labels", "red,green", "--top", "1"];
  for (const sentences of [
    ["--templates", "imagenet"],
    ["--template", "a {}.", "--template", "the {}."],
  ]) {
    const { code, stdout } = await groundling([...words, ...sentences]);
    assert.equal(code, 0);
    assert.match(stdout, /^picture +label +score +similarity\n─/);
    assert.equal(stdout.trimEnd().split("\n").length, 3);
  }
  const gapless = await groundling([...words, "--template", "a thing"]);
  assert.deepEqual([gapless.code, gapless.stdout], [1, ""]);
  assert.match(gapless.stderr, /the template "a thing" has no \{\}/);
});

test("an unreadable picture is reported, and the others are done", async () => {
  const broken = join(folder, "broken.png");
  writeFileSync(broken, "no picture");
  const words = ["classify", broken, pictures[0]!, "--model", model, "--labels", "red,green", "--format", "csv"];
  const { code, stdout, stderr } = await groundling(words);
  assert.equal(code, 1);
  assert.match(stderr, /broken\.png cannot be read as a picture/);
  assert.equal(stdout.trimEnd().split("\r\n").length, 3);
});

test("vectors of length 1 are written in every format, pictures first", async () => {
  const rows: number[][][] = [];
  for (const ending of ["safetensors", "npy", "parquet"]) {
    const out = join(folder, `vectors.${ending}`);
    const words = ["embed", ...pictures, "--text", "it's red", "--model", model, "--out", out];
    const { code, stdout } = await groundling(words);
    assert.deepEqual([code, stdout], [0, `3 vectors of 40 numbers in ${out}\n`]);
    rows.push(await readers[ending]!(out));
  }
  for (const form of rows) {
    assert.deepEqual(form, rows[0]);
    assert.equal(form.length, 3);
    for (const row of form) assert.ok(Math.abs(row.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-5);
  }
});

test("an unknown extension, and nothing to embed, are refused before the model is read", async () => {
  const out = join(folder, "vectors.txt");
  const ending = await groundling(["embed", pictures[0]!, "--model", "absent", "--out", out]);
  assert.deepEqual([ending.code, existsSync(out)], [1, false]);
  assert.match(
    ending.stderr,
    /vectors\.txt: unknown extension; vectors are written as \.safetensors, \.npy, \.parquet/,
  );
  const nothing = await groundling(["embed", "--model", model, "--out", join(folder, "v.npy")]);
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /nothing to embed/);
});

test("a file that is not a model is refused with its name", async () => {
  const { code, stderr } = await groundling(["classify", pictures[0]!, "--labels", "a", "--model", pictures[1]!]);
  assert.equal(code, 1);
  assert.match(stderr, /^groundling: .*green\.png/);
});

/** Rows of numbers from each kind of file. */
const readers: Record<string, (path: string) => Promise<number[][]>> = {
  safetensors: async (path) => {
    const file = await openWeights(path);
    const sources = JSON.parse(file.metadata.get("sources")!) as { kind: string; source: string }[];
    assert.deepEqual(sources.at(-1), { kind: "text", source: "it's red" });
    const numbers = await file.readFloat32("vectors");
    await file.close();
    return rowsOf(numbers);
  },
  npy: async (path) => {
    const bytes = readFileSync(path);
    assert.equal(bytes.subarray(0, 8).toString("latin1"), "\x93NUMPY\x01\x00");
    const start = 10 + bytes.readUInt16LE(8);
    assert.equal(start % 64, 0);
    assert.match(
      bytes.subarray(10, start).toString(),
      /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(3, 40\), \} *\n$/,
    );
    return rowsOf(new Float32Array(Uint8Array.from(bytes.subarray(start)).buffer));
  },
  parquet: async (path) => {
    const query = `SELECT source, vector::FLOAT[] AS vector FROM read_parquet(${literal(path)})`;
    const result = await (await duckdb()).runAndReadAll(query);
    const rows = result.getRowObjectsJson() as { source: string; vector: number[] }[];
    assert.deepEqual(
      rows.map(({ source }) => source),
      [...pictures, "it's red"],
    );
    return rows.map(({ vector }) => vector.map(Math.fround));
  },
};

function rowsOf(numbers: Float32Array): number[][] {
  return Array.from({ length: numbers.length / 40 }, (_, i) => [...numbers.subarray(40 * i, 40 * (i + 1))]);
}
