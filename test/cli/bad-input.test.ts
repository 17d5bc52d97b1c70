import assert from "node:assert/strict";
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { programFor } from "../../src/apps/cli/program.ts";
import { InputError, WeightsError } from "../../src/errors.ts";
import { loadModel } from "../../src/tasks/finding/load-model.ts";
import { writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { groundling, temporaryFolder, writeTinyModel } from "./running.ts";

const folder = temporaryFolder();
const model = join(folder, "model");
const at = (name: string) => join(folder, name);
const plain = at("plain.png");

before(async () => {
  await writeTinyModel(model);
  await sharp({ create: { width: 64, height: 48, channels: 3, background: "orange" } })
    .png()
    .toFile(plain);
});
after(() => rmSync(folder, { recursive: true }));

const detect = (images: string[], ...words: string[]) =>
  groundling(["detect", ...images, "--model", model, "--top-k", "2", "--threshold", "0", ...words]);

test("unusual pictures are read, and boxes are inside them", async () => {
  const noise = (width: number, height: number, channels: 3 | 4 = 3) =>
    sharp(
      Uint8Array.from({ length: channels * width * height }, (_, i) => (i * 37) % 256),
      {
        raw: { width, height, channels },
      },
    );
  await noise(1, 1).png().toFile(at("1-one.png"));
  await noise(1, 10_000).png().toFile(at("2-thin.png"));
  await noise(60, 40).toColourspace("cmyk").jpeg().toFile(at("3-inks.jpg"));
  await noise(60, 40).toColourspace("rgb16").png().toFile(at("4-deep.png"));
  await sharp(
    Uint8Array.from({ length: 3 * 40 * 90 }, (_, i) => i % 256),
    {
      raw: { width: 40, height: 90, channels: 3, pageHeight: 30 },
    },
  )
    .gif()
    .toFile(at("5-moving.gif"));
  await noise(60, 40).jpeg().withMetadata({ orientation: 6 }).toFile(at("6-turned.jpg"));
  await noise(60, 40, 4).png().toFile(at("7-clear.png"));
  const { code, stdout, stderr } = await detect([at("[1-7]-*")], "--classes", "dog", "--format", "json");
  assert.equal(code, 0, stderr);
  const entries = JSON.parse(stdout);
  assert.deepEqual(
    entries.map(({ width, height }: { width: number; height: number }) => [width, height]),
    [
      [1, 1],
      [1, 10_000],
      [60, 40],
      [60, 40],
      [40, 30],
      [40, 60],
      [60, 40],
    ],
  );
  for (const { image, width, height, detections } of entries)
    for (const { box } of detections) {
      const inside = box.xmin >= 0 && box.ymin >= 0 && box.xmax <= width && box.ymax <= height;
      assert.ok(inside, `${image}: ${JSON.stringify(box)}`);
    }
});

test("other files and too large pictures are refused with their names", async () => {
  writeFileSync(at("words.png"), "this is no picture");
  writeFileSync(at("empty.png"), "");
  writeFileSync(at("bomb.png"), png(60_000, 60_000));
  writeFileSync(at("cut.png"), png(60, 60));
  const { code, stdout, stderr } = await detect(
    ["words", "empty", "bomb", "cut"].map((name) => at(`${name}.png`)),
    ...["--classes", "dog", "--format", "json"],
  );
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(stdout), []);
  const lines = stderr.split("\n").filter((line) => line.startsWith("groundling: "));
  for (const [i, expected] of [
    /words\.png cannot be read as a picture/,
    /empty\.png is empty/,
    /bomb\.png has 60000 × 60000 pixels, more than the limit/,
    /cut\.png is a damaged picture/,
  ].entries())
    assert.match(lines[i]!, expected);
});

test("a request without words is refused", async () => {
  for (const [words, expected] of [
    [["--prompt", ""], /the prompt "" has no names/],
    [["--classes", "\u200b,dog"], /without words:/],
    [["--classes-file", at("nowhere.txt")], /nowhere\.txt: cannot be read/],
  ] as const) {
    const given = ["detect", plain, "--model", model, ...words];
    const run = async () => (await programFor(given)).parseAsync(given, { from: "user" });
    await assert.rejects(run, (error: Error) => error instanceof InputError && expected.test(error.message));
  }
  const { code, stdout, stderr } = await detect([plain], "--prompt", ". .");
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  assert.match(stderr, /^groundling: the prompt "\. \." has no names/);
});

test("five thousand classes, other scripts and emoji are returned as written", async () => {
  const names = ["café", "собака", "犬", "a 🐕 dog", "half\u0000way", ...numbered(4995)];
  writeFileSync(at("many.txt"), `${names.join("\r\n")}\n`);
  const { code, stdout, stderr } = await groundling([
    ...["detect", plain, "--model", model, "--size", "32,64", "--threshold", "0", "--text-threshold", "0.01"],
    ...["--top-k", "100000", "--nms", "1", "--classes-file", at("many.txt"), "--format", "jsonl"],
  ]);
  assert.equal(code, 0, stderr);
  const found = new Set(JSON.parse(stdout).detections.map(({ label }: { label: string }) => label));
  assert.deepEqual(
    names.filter((name) => !found.has(name)),
    [],
  );
});

test("a model of another kind, a damaged one and a missing one are refused with their names", async () => {
  const other = at("other.safetensors");
  await writeSafetensors(other, [{ name: "fc.weight", dtype: "F32", shape: [2, 2], data: new Float32Array(4) }]);
  writeFileSync(at("broken.pth"), "PK\x03\x04 and nothing more");
  for (const [path, expected] of [
    [other, /other\.safetensors: not a checkpoint of GLIP, RegionCLIP or CLIP/],
    [at("broken.pth"), /broken\.pth/],
    [at("no-model"), /no-model: no such model/],
    // Looks like OWNER/NAME on the hub.
    ["runs/no-model", /^runs\/no-model: no such model; give a model folder/],
    [folder, /config\.json: missing/],
  ] as const) {
    await assert.rejects(loadModel(path), (error: Error) => {
      assert.match(error.message, expected);
      return error instanceof WeightsError || error instanceof InputError;
    });
  }
  const { code, stderr } = await groundling(["detect", plain, "--model", other, "--prompt", "dog"]);
  assert.equal(code, 1);
  assert.match(stderr, /^groundling: .*other\.safetensors: not a checkpoint of GLIP, RegionCLIP or CLIP/);
});

test("a path that the system refuses is named in one sentence by every verb that reads it", async () => {
  symlinkSync("circle", at("circle"));
  const paths = [at("circle"), at("x".repeat(300)), join(plain, "below")];
  const verbs: ((path: string) => string[])[] = [
    (path) => ["detect", path, "--model", model, "--prompt", "dog"],
    (path) => ["detect", plain, "--model", path, "--prompt", "dog"],
    (path) => ["data", "check", path],
    (path) => ["browse", path, "--out", at("page.html")],
    (path) => ["data", "check", path],
    (path) => ["eval", "--data", path, "--model", model, "--detections", at("found.jsonl")],
    (path) => ["pseudo-label", path, "--model", model, "--out", at("labelled")],
    (path) => ["jobs", path],
    (path) => ["index", path, "--out", at("index")],
    (path) => ["train", path],
  ];
  for (const [i, words] of verbs.entries()) {
    const path = paths[i % paths.length]!;
    const { code, stdout, stderr } = await groundling(words(path));
    assert.deepEqual([code, stdout], [1, ""], `${words(path).join(" ")}: ${stderr}`);
    assert.match(stderr, /^groundling: [^\n]+\n$/);
    assert.ok(stderr.includes(path), `${words(path).join(" ")}: ${stderr}`);
  }
});

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `thing ${i}`);
}

/** A PNG with this size in its header and almost no content. */
function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const named = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(named), 4);
    return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)]);
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const body = [chunk("IHDR", header), chunk("IDAT", deflateSync(Buffer.alloc(100))), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), ...body]);
}
