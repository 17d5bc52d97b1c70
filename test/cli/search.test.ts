import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { Random } from "../../src/data/random.ts";
import { clip } from "../../src/models/clip/clip.ts";
import { clipPresets } from "../../src/models/clip/clip-presets.ts";
import { loadEncoder } from "../../src/tasks/classifying/load-encoder.ts";
import { dot } from "../../src/tasks/classifying/unit-vectors.ts";
import { openIndex } from "../../src/tasks/searching/picture-index.ts";
import { writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { groundling, started, temporaryFolder } from "./running.ts";

const folder = temporaryFolder();
const model = join(folder, "clip.safetensors");
const photos = join(folder, "photos");
const PHOTOS = 400;

before(async () => {
  await writeModel(model, 1);
  mkdirSync(join(photos, "more"), { recursive: true });
  for (let i = 0; i < PHOTOS; i++)
    await picture(join(photos, i % 2 ? "more" : "", `${i}.png`), [i % 256, (7 * i) % 256, (31 * i) % 256]);
});
after(() => rmSync(folder, { recursive: true }));

async function writeModel(file: string, seed: number): Promise<void> {
  const random = new Random(seed, "tiny clip");
  const tensors = clip(clipPresets["nano-vit"]).parameters.map(({ name, shape, initialise }) => ({
    ...{ name, dtype: "F32" as const, shape },
    data: initialise(shape, () => random.unit()),
  }));
  await writeSafetensors(file, tensors);
}

async function picture(file: string, [r, g, b]: [number, number, number]): Promise<void> {
  await sharp({ create: { width: 24, height: 20, channels: 3, background: { r, g, b } } })
    .png()
    .toFile(file);
}

function indexing(out: string, pictures = photos, using = model): string[] {
  return ["index", pictures, "--out", out, "--model", using, "--batch", "4", "--quiet"];
}

async function pathsIn(out: string): Promise<string[]> {
  const index = await openIndex(out);
  const files = await index.files();
  index.close();
  return files.map(({ path }) => path).sort();
}

test("an index killed twice and continued has every picture once, and its search finds the most similar", async () => {
  const out = join(folder, "killed");
  const sizes: number[] = [];
  for (let kill = 0; kill < 2; kill++) {
    const { child, ended } = started(indexing(out));
    const log = join(out, "pictures.duckdb.wal");
    const start = existsSync(log) ? statSync(log).size : 0;
    // Opening the index empties its log, so the size can also fall.
    while (child.exitCode === null && Math.abs(logSize(log) - start) < 8000) await pause(5);
    child.kill("SIGKILL");
    assert.equal((await ended).code, null, "the index was complete before it was killed");
    sizes.push((await pathsIn(out)).length);
  }
  assert.ok(sizes[0]! > 0 && sizes[0]! < sizes[1]! && sizes[1]! < PHOTOS, `${sizes}`);
  const { code, stdout } = await groundling(indexing(out));
  assert.equal(code, 0);
  assert.match(stdout, new RegExp(`^${PHOTOS - sizes[1]!} added, ${sizes[1]} already there, 0 removed, 0 skipped`));
  const paths = await pathsIn(out);
  assert.equal(paths.length, PHOTOS);
  assert.equal(new Set(paths).size, PHOTOS);

  const searched = await groundling([
    "search",
    out,
    "two dogs on a beach",
    "--format",
    "json",
    "--top",
    "9",
    "--quiet",
  ]);
  assert.deepEqual([searched.code, searched.stderr], [0, ""]);
  const found = JSON.parse(searched.stdout) as { path: string; similarity: number }[];
  await using encoder = await loadEncoder(model);
  const [words] = await encoder.embedText(["two dogs on a beach"]);
  const expected = (await encoder.embedImage(paths, { batch: 4 })).map((vector) => dot(vector, words!));
  const best = [...expected].sort((a, b) => b - a);
  assert.equal(found.length, 9);
  for (const [i, { path, similarity }] of found.entries()) {
    assert.ok(Math.abs(similarity - best[i]!) < 1e-5, `${i}`);
    assert.ok(Math.abs(similarity - expected[paths.indexOf(path)]!) < 1e-5, path);
  }
});

function logSize(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

test("new and changed pictures are added, deleted ones removed, unreadable ones skipped and named", async () => {
  const own = join(folder, "own");
  const out = join(folder, "grown");
  mkdirSync(own);
  for (const [name, colour] of [
    ["a", 10],
    ["b", 120],
    ["c", 230],
  ] as const)
    await picture(join(own, `${name}.png`), [colour, 0, 255 - colour]);
  assert.match((await groundling(indexing(out, own))).stdout, /^3 added, 0 already there, 0 removed, 0 skipped/);
  rmSync(join(own, "a.png"));
  await picture(join(own, "b.png"), [0, 255, 0]);
  await picture(join(own, "d.png"), [1, 2, 3]);
  writeFileSync(join(own, "broken.jpg"), readFileSync(join(own, "c.png")).subarray(0, 60));
  writeFileSync(join(own, "huge.png"), hugePng());
  execFileSync("mkfifo", [join(own, "pipe.jpg")]);
  const { code, stdout, stderr } = await groundling(indexing(out, own));
  assert.equal(code, 0);
  assert.match(stdout, /^2 added, 1 already there, 1 removed, 3 skipped/);
  for (const name of ["broken.jpg", "huge.png", "pipe.jpg"]) assert.match(stderr, new RegExp(`skipped: .*${name}`));
  assert.deepEqual(
    await pathsIn(out),
    ["b", "c", "d"].map((name) => join(own, `${name}.png`)),
  );
});

/** A PNG whose header claims 100,000 × 100,000 pixels. */
function hugePng(): Buffer {
  const bytes = readFileSync(join(photos, "0.png"));
  const ihdr = Buffer.from(bytes.subarray(12, 29));
  ihdr.writeUInt32BE(100_000, 4);
  ihdr.writeUInt32BE(100_000, 8);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(ihdr));
  return Buffer.concat([bytes.subarray(0, 12), ihdr, check, bytes.subarray(33)]);
}

test("a picture is found by itself, and a contact sheet shows what was found", async () => {
  const own = join(folder, "shown");
  const [out, sheet] = [join(folder, "shown-index"), join(folder, "sheet.png")];
  mkdirSync(own);
  for (const [i, colour] of [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
  ].entries())
    await picture(join(own, `${i}.png`), colour as [number, number, number]);
  await groundling(indexing(out, own));
  const asked = join(folder, "asked.png");
  copyFileSync(join(own, "1.png"), asked);
  const { code, stdout } = await groundling(["search", out, "--image", asked, "--draw", sheet, "--quiet"]);
  assert.equal(code, 0);
  assert.match(stdout, /^rank +similarity +picture\n.*\n1 +1\.000 +.*1\.png\n/);
  const { format, width, height } = await sharp(sheet).metadata();
  assert.deepEqual([format, width, height], ["png", 3 * 224, 224 + 22]);
});

test("another model's index, a missing one, and a search for nothing are refused with a mend", async () => {
  const own = join(folder, "one");
  const [out, other] = [join(folder, "one-index"), join(folder, "other.safetensors")];
  mkdirSync(own);
  await picture(join(own, "a.png"), [5, 5, 5]);
  await writeModel(other, 2);
  await groundling(indexing(out, own));
  const before = readFileSync(join(out, "pictures.duckdb"));
  for (const words of [indexing(out, own, other), ["search", out, "a cat", "--model", other, "--quiet"]]) {
    const { code, stdout, stderr } = await groundling(words);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      /one-index: its vectors are those of the model .*clip\.safetensors, which is not .*other\.safeten/,
    );
  }
  assert.deepEqual(readFileSync(join(out, "pictures.duckdb")), before);
  const missing = await groundling(["search", own, "a cat"]);
  assert.deepEqual([missing.code, missing.stdout], [1, ""]);
  assert.match(missing.stderr, /has no index of pictures; make one with groundling index/);
  const nothing = await groundling(["search", out]);
  assert.equal(nothing.code, 2);
  const unborn = join(folder, "unborn");
  const empty = await groundling(indexing(unborn, join(folder, "absent")));
  assert.deepEqual([empty.code, empty.stdout], [1, ""]);
  assert.match(empty.stderr, /absent: does not exist; name a folder of pictures/);
  assert.equal(existsSync(unborn), false);
});
