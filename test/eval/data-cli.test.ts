import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Command } from "commander";
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

test("data check names every problem with its place, and fails where there are errors", async () => {
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
