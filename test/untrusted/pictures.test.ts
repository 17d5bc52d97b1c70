import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Command } from "commander";
import sharp from "sharp";
import { addBrowseCommand } from "../../src/apps/cli/browse.ts";
import { isRefusal } from "../../src/data/pairs/pair.ts";
import { cutSource, readShard } from "../../src/data/pairs/shards.ts";
import { checkDataset } from "../../src/data/readers/check.ts";
import { picturesIn } from "../../src/data/readers/folders.ts";
import { readOdvg } from "../../src/data/readers/odvg.ts";
import { Problems } from "../../src/data/readers/problems.ts";
import { readTars } from "../../src/data/readers/tars.ts";
import { InputError } from "../../src/errors.ts";
import { cutOut } from "../../src/evaluation/report/pictures.ts";
import { decodePicture } from "../../src/inputs/pictures/picture.ts";

const root = mkdtempSync(join(tmpdir(), "untrusted-"));
const images = join(root, "images");
const page = join(root, "page.html");
/** Names that must not be read, and their errors. */
const hostile: [name: string, said: RegExp][] = [
  ["../../../../../../../../../etc/passwd", /is outside/],
  ["../../../../../../../../../proc/self/environ", /is outside/],
  ["../secret.png", /is outside/],
  ["leak.png", /is outside/],
  ["../../../../../../../../dev/zero", /is outside/],
  ["pipe.png", /is not a regular file/],
  ["zero.png", /is outside/],
  ["folder.png", /is not a regular file/],
];

before(async () => {
  mkdirSync(join(images, "folder.png"), { recursive: true });
  const pixels = await sharp({ create: { width: 8, height: 6, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  writeFileSync(join(images, "good.png"), pixels);
  copyFileSync(join(images, "good.png"), join(root, "secret.png"));
  symlinkSync("good.png", join(images, "linked.png"));
  symlinkSync(join(root, "secret.png"), join(images, "leak.png"));
  symlinkSync("/dev/zero", join(images, "zero.png"));
  execFileSync("mkfifo", [join(images, "pipe.png"), join(root, "pipe.tar")]);
  writeFileSync(join(images, "text.png"), "SECRET=1");
  writeFileSync(join(images, "good.bmp"), bitmap(8, 6));
  writeFileSync(join(images, "drawing.png"), '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="6"/>');
});
after(() => rmSync(root, { recursive: true }));

/** A white 24-bit bitmap. */
function bitmap(width: number, height: number): Buffer {
  const row = Math.ceil((3 * width) / 4) * 4;
  const bytes = Buffer.alloc(54 + row * height, 255);
  bytes.fill(0, 0, 54);
  bytes.write("BM");
  for (const [place, value] of [
    [2, bytes.length],
    [10, 54],
    [14, 40],
    [18, width],
    [22, height],
  ] as const)
    bytes.writeUInt32LE(value, place);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}

function annotations(name: string): string {
  const file = join(root, "instances.json");
  const json = {
    images: [{ id: 1, file_name: name, width: 8, height: 6 }],
    annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 1, 2, 2], area: 4 }],
    categories: [{ id: 1, name: "thing" }],
  };
  writeFileSync(file, JSON.stringify(json));
  return file;
}

async function browse(file: string): Promise<void> {
  const program = new Command();
  addBrowseCommand(program);
  await program.parseAsync(["browse", file, "--images", images, "--out", page], { from: "user" });
}

const refused = (said: RegExp) => (error: Error) => {
  assert.ok(error instanceof InputError, String(error));
  assert.match(error.message, said);
  return true;
};

test("browse embeds only pictures of its folder", async () => {
  await browse(annotations("linked.png"));
  assert.match(readFileSync(page, "utf8"), /data:image\/png;base64,/);
  for (const [name, said] of hostile) await assert.rejects(browse(annotations(name)), refused(said), name);
  await assert.rejects(browse(annotations("text.png")), refused(/cannot be read as a picture/));
  await assert.rejects(browse(annotations("drawing.png")), refused(/has the format svg/));
  await assert.rejects(browse("/dev/zero"), refused(/it is not a regular file/));
  await assert.rejects(browse(join(images, "pipe.png")), refused(/it is not a regular file/));
});

test("training and evaluation read only pictures of their folder", () => {
  assert.deepEqual(picturesIn(images, ["good.png", "linked.png"]), [
    join(images, "good.png"),
    join(images, "linked.png"),
  ]);
  // An export names its pictures in another folder; the last parts of the names are enough.
  assert.deepEqual(picturesIn(images, ["../valid/images/good.png", "/home/me/good.png"]), [
    join(images, "good.png"),
    join(images, "good.png"),
  ]);
  for (const [name, said] of hostile) assert.throws(() => picturesIn(images, [name]), refused(said), name);
  assert.throws(() => picturesIn(images, ["../pipe.tar/one.png"]), refused(/is outside/));
});

test("data check reports the pictures that it does not read", async () => {
  for (const [name, said] of hostile) {
    const { problems } = await checkDataset(annotations(name), { images: images });
    assert.match(problems.map(({ message }) => message).join("\n"), said, name);
  }
});

test("a report shows no picture from outside its folder", async () => {
  const mistake = { xywh: [1, 1, 2, 2] } as Parameters<typeof cutOut>[0];
  const cut = (file_name: string) => cutOut(mistake, { id: 1, width: 8, height: 6, file_name }, images);
  assert.match((await cut("good.png")).address ?? "", /^data:image\/jpeg/);
  for (const [name, said] of hostile) {
    const { address, missing } = await cut(name);
    assert.equal(address, undefined, name);
    assert.match(missing ?? "", said, name);
  }
  assert.match((await cut("none.png")).missing ?? "", /none\.png is not in /);
  assert.match((await cut("text.png")).missing ?? "", /cannot be read as a picture/);
  const far = { xywh: [100, 1, 2, 2] } as Parameters<typeof cutOut>[0];
  const { missing } = await cutOut(far, { id: 1, width: 200, height: 6, file_name: "good.png" }, images);
  assert.equal(missing, "good.png has 8 × 6 pixels, fewer than the annotations have");
  assert.match((await cut("good.bmp")).address ?? "", /^data:image\/jpeg/);
});

test("a pipe instead of a tar or a picture is refused at once", async () => {
  await assert.rejects(readTars(join(root, "pipe.tar"), new Problems()), refused(/it is not a regular file/));
  await assert.rejects(decodePicture(join(images, "pipe.png")), refused(/is not a file/));
  await assert.rejects(decodePicture("/dev/zero"), refused(/is not a file/));
});

test("lists of pairs read only pictures of their folder, and no pipe", async () => {
  const list = join(root, "pairs.jsonl");
  const names = ["good.png", ...hostile.map(([name]) => name)];
  writeFileSync(list, names.map((image) => `${JSON.stringify({ image, caption: "a thing" })}\n`).join(""));
  const source = await cutSource(list, { rows: 100, images });
  const pairs = [];
  for (const shard of source.shards) for await (const pair of readShard(shard, source)) pairs.push(pair);
  assert.deepEqual(pairs[0], { file: "good.png", caption: "a thing", picture: join(images, "good.png") });
  assert.equal(pairs.length, names.length);
  for (const [place, pair] of pairs.slice(1).entries()) {
    assert.ok(isRefusal(pair), pair.file);
    assert.equal(pair.reason, "no picture");
    assert.match(pair.detail, hostile[place]![1]);
  }
  await assert.rejects(cutSource(join(root, "pipe.tar"), { rows: 1 }), refused(/is not a regular file/));
  await assert.rejects(readOdvg(join(images, "pipe.png"), new Problems()), refused(/it is not a regular file/));
});
