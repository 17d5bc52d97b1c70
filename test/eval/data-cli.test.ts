import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Command } from "commander";
import sharp from "sharp";
import { addDataCommand } from "../../src/apps/cli/data.ts";
import { goldenCopies } from "./golden.ts";

const folder = mkdtempSync(join(tmpdir(), "groundling-data-"));
after(() => rmSync(folder, { recursive: true }));
const coco = goldenCopies("coco-box-1")[0]!.folder;
const flickr = goldenCopies("flickr-1")[0]!.folder;

async function run(...args: string[]): Promise<{ text: string; error?: Error }> {
  let text = "";
  const program = new Command().exitOverride();
  program.configureOutput({ writeErr: () => {}, writeOut: (chunk) => (text += chunk) });
  addDataCommand(program);
  try {
    await program.parseAsync(["node", "groundling", "data", ...args]);
    return { text };
  } catch (error) {
    return { text, error: error as Error };
  }
}

test("data check lists every problem with its place, and fails if there are errors", async () => {
  const { text, error } = await run("check", join(coco, "annotations.json"));
  assert.match(text, /annotations\.json:\d+ \$\.annotations\[\d+\]\.bbox: warning: box .* has no area/);
  assert.match(text, /pictures are missing/);
  assert.match(text, /coco: \d+ images, \d+ objects, 0 captions, \d+ labels/);
  assert.equal(error?.name, "InputError");
});

test("data convert turns COCO into ODVG and Flickr30k Entities into MDETR's JSON", async () => {
  const odvg = join(folder, "set.jsonl");
  assert.equal((await run("convert", join(coco, "annotations.json"), odvg, "--to", "odvg")).error, undefined);
  const images = JSON.parse(readFileSync(join(coco, "annotations.json"), "utf8")).images.length;
  assert.equal(readFileSync(odvg, "utf8").trim().split("\n").length, images);
  const mdetr = join(folder, "flickr.json");
  assert.equal((await run("convert", flickr, mdetr, "--to", "mdetr", "--subset", "test")).error, undefined);
  const { images: sentences, annotations } = JSON.parse(readFileSync(mdetr, "utf8"));
  const first = annotations[0];
  const caption = sentences.find(({ id }: { id: number }) => id === first.image_id).caption;
  assert.match(caption.slice(...first.tokens_positive[0]), /^\S.*\S$/);
});

test("data convert divides a set, keeps the splits of a folder, and reports what a format cannot store", async () => {
  const photos = join(folder, "photos");
  mkdirSync(photos);
  const names = ["1.png", "2.png", "3.png", "4.png", "5.png"];
  const size = { width: 40, height: 30 };
  for (const name of names)
    await sharp({ create: { ...size, channels: 3, background: "green" } })
      .png()
      .toFile(join(photos, name));
  const truth = {
    images: names.map((file_name, i) => ({ id: i, file_name, ...size })),
    annotations: names.map((_, i) => ({ id: i, image_id: i, category_id: 1, bbox: [4, 3, 20, 15] })),
    categories: [{ id: 1, name: "cat, big" }],
  };
  writeFileSync(join(photos, "annotations.json"), JSON.stringify(truth));
  const yolo = join(folder, "yolo");
  const divided = await run("convert", photos, yolo, "--to", "yolo", "--split", "0.6,0.2,0.2", "--pictures", "link");
  assert.equal(divided.error, undefined);
  assert.match(divided.text, /train 3 images, val 1 images, test 1 images/);
  const { text } = await run("check", yolo);
  assert.equal(
    text,
    ["train: 3", "val: 1", "test: 1"]
      .map((split) => {
        const [name, count] = split.split(": ");
        return `yolo ${name}: ${count} images, ${count} objects, 0 captions, 1 labels\n`;
      })
      .join(""),
  );
  const voc = join(folder, "voc");
  assert.match((await run("convert", yolo, voc, "--to", "voc")).text, /train 3 images, val 1 images, test 1 images/);
  const back = join(folder, "back.json");
  assert.match((await run("convert", voc, back, "--to", "coco")).error!.message, /--split NAME/);
  assert.equal((await run("convert", voc, back, "--to", "coco", "--split", "train")).error, undefined);
  const { annotations } = JSON.parse(readFileSync(back, "utf8"));
  assert.deepEqual(
    annotations.map(({ id }: { id: number }) => id),
    [1, 2, 3],
  );
  const shares = await run("convert", photos, back, "--to", "coco", "--split", "0.5,0.5");
  assert.match(shares.error!.message, /shares in --split and --pictures are only for yolo and voc/);
  const gone = await run("convert", photos, join(folder, "gone"), "--to", "yolo", "--images", folder);
  assert.match(gone.error!.message, /pictures are missing/);
});
