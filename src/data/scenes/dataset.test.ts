import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import sharp from "sharp";
import { extract } from "tar-stream";
import { composeScene, loadWorld, writeSceneDataset } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "scenes-"));
after(() => rmSync(folder, { recursive: true }));
const world = loadWorld(join(folder, "sprites"), { names: "everyday" });

interface Annotations {
  readonly images: { id: number; file_name: string; caption: string }[];
  readonly annotations: {
    id: number;
    image_id: number;
    bbox: [number, number, number, number];
    area: number;
    category_id: number;
    segmentation: { size: [number, number]; counts: number[] };
    tokens_positive: [number, number][];
  }[];
  readonly categories: { id: number; name: string }[];
}

function read(dataset: string, kind: string): Annotations {
  return JSON.parse(readFileSync(join(folder, dataset, `${kind}.json`), "utf8")) as Annotations;
}

test("pictures, boxes, masks and captions on disk match the scenes", async () => {
  const settings = { folder: join(folder, "boxes"), count: 12, seed: 3, size: 96, form: "boxes" } as const;
  await writeSceneDataset(world, settings);
  const instances = read("boxes", "instances");
  const grounding = read("boxes", "grounding");
  assert.equal(instances.categories.length, 50);
  assert.deepEqual([instances.annotations[0]!.id, grounding.annotations[0]!.id], [1, 1]);
  for (let i = 0; i < 12; i++) {
    const scene = composeScene(world, 3_000_000 + i, { width: 96, height: 96 });
    const { data } = await sharp(join(folder, "boxes/images", instances.images[i]!.file_name))
      .raw()
      .toBuffer({ resolveWithObject: true });
    assert.ok(data.equals(scene.picture.data));
    assert.equal(grounding.images[i]!.caption, scene.caption);
    const boxed = instances.annotations.filter((annotation) => annotation.image_id === i);
    const worded = grounding.annotations.filter((annotation) => annotation.image_id === i);
    scene.objects.forEach(({ name, box: [left, top, right, bottom] }, k) => {
      assert.equal(instances.categories[boxed[k]!.category_id - 1]!.name, name);
      assert.deepEqual(boxed[k]!.bbox, [left, top, right - left, bottom - top]);
      assert.deepEqual(
        pixelsOf(boxed[k]!.segmentation.counts),
        [...scene.owners].map((owner) => Number(owner === k + 1)),
      );
      assert.equal(boxed[k]!.area, scene.owners.filter((owner) => owner === k + 1).length);
      const words = worded[k]!.tokens_positive.map(([start, end]) => scene.caption.slice(start, end));
      assert.deepEqual(
        words,
        scene.phrases.filter((p) => p.objects.includes(k)).map((p) => p.text),
      );
    });
  }
});

/** Runs down the columns of a 96 × 96 mask as pixels along the rows. */
function pixelsOf(counts: readonly number[]): number[] {
  const down = counts.flatMap((length, run) => new Array<number>(length).fill(run % 2));
  return Array.from({ length: 96 * 96 }, (_, at) => down[(at % 96) * 96 + Math.floor(at / 96)]!);
}

test("an interrupted dataset is continued and ends with the same bytes", async () => {
  const settings = { count: 300, seed: 1, size: 24, form: "boxes" } as const;
  const interruption = { ...settings, folder: join(folder, "interrupted") };
  const stop = (done: number) => {
    if (done >= 256) throw new Error("stopped");
  };
  await assert.rejects(writeSceneDataset(world, { ...interruption, progress: stop }), /stopped/);
  await writeSceneDataset(world, interruption);
  await writeSceneDataset(world, { ...settings, folder: join(folder, "whole") });
  for (const file of ["instances.json", "grounding.json", "scenes.json", "images/000299.png"])
    assert.ok(readFileSync(join(folder, "whole", file)).equals(readFileSync(join(folder, "interrupted", file))), file);
  assert.deepEqual(readdirSync(join(folder, "whole")).sort(), [
    "grounding.json",
    "images",
    "instances.json",
    "scenes.json",
  ]);
  await assert.rejects(writeSceneDataset(world, { ...interruption, seed: 2 }), /other settings/);
});

test("captions are written with their pictures into tar shards", async () => {
  await writeSceneDataset(world, { folder: join(folder, "shards"), count: 3, seed: 1, size: 24, form: "captions" });
  const entries = new Map<string, Buffer>();
  const reader = extract();
  reader.end(readFileSync(join(folder, "shards/000000.tar")));
  for await (const entry of reader) {
    const parts: Buffer[] = [];
    for await (const part of entry) parts.push(Buffer.from(part as Uint8Array));
    entries.set(entry.header.name, Buffer.concat(parts));
  }
  assert.deepEqual([...entries.keys()].slice(0, 2), ["000000.png", "000000.txt"]);
  assert.equal(
    entries.get("000002.txt")?.toString(),
    composeScene(world, 1_000_002, { width: 24, height: 24 }).caption,
  );
});

test("scenes are not written among the pictures of another dataset", async () => {
  const place = join(folder, "own");
  mkdirSync(join(place, "images"), { recursive: true });
  writeFileSync(join(place, "images", "000000.png"), "a photo");
  const settings = { folder: place, count: 1, seed: 3, size: 96, form: "boxes" } as const;
  await assert.rejects(writeSceneDataset(world, settings), {
    name: "InputError",
    message: /own contains images, which/,
  });
  assert.deepEqual(readdirSync(place, { recursive: true }).sort(), ["images", "images/000000.png"]);
});
