/** Writes scenes to a folder as an ordinary dataset, in blocks, so that an interrupted run can continue. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { optional } from "../../files/optional-package.ts";
import { writeWholeNow } from "../../files/write-whole.ts";
import { sharp } from "../../inputs/pictures/sharp.ts";
import { composeScene, type Scene, type SceneOptions } from "./compose.ts";
import { withArticle } from "./english.ts";
import { recordsOf, type SceneRecords } from "./records.ts";
import type { World } from "./world.ts";

/** Which scenes to write, and the folder. */
export interface SceneDataset {
  readonly folder: string;
  readonly count: number;
  readonly seed: number;
  /** Width and height in pixels. */
  readonly size: number;
  /** Largest number of things in a scene, and their smallest size, if not the default. */
  readonly scene?: Pick<SceneOptions, "objects" | "smallest">;
  /**
   * "boxes": pictures, `instances.json` (COCO) and `grounding.json` (MDETR). "captions": tar shards of pictures and their sentences;
   * "names": the same with the names of the things in place of a sentence.
   */
  readonly form: "boxes" | "captions" | "names";
  /** Called with the number of finished scenes. */
  readonly progress?: (done: number) => void;
}

const blockSize = 256;
const scenesPerSeed = 1_000_000;

/**
 * Writes a dataset of scenes; scene `i` is the scene `seed` × 1,000,000 + `i` of the world. Scenes that an earlier run with the same
 * settings has finished are kept. Throws InputError if the folder holds a dataset with other settings.
 */
export async function writeSceneDataset(world: World, dataset: SceneDataset): Promise<void> {
  const { folder, count, form, progress } = dataset;
  mkdirSync(folder, { recursive: true });
  storeSettings(world, dataset);
  const write = form === "boxes" ? writeBlock : writeShard;
  const last = join(folder, "grounding.json");
  if (existsSync(last)) return;
  for (let start = 0; start < count; start += blockSize) {
    const end = Math.min(count, start + blockSize);
    await write(world, dataset, start, end);
    progress?.(end);
  }
  if (form === "boxes") gatherBlocks(world, dataset);
}

/** Stores the settings in the folder, or checks that they are the same. */
function storeSettings(world: World, { folder, count, seed, size, scene, form }: SceneDataset): void {
  const drawings = createHash("sha256");
  for (const name of world.names)
    for (const { style, icon, width, height } of (world.sprites.get(name) ?? []).flat())
      drawings.update(JSON.stringify([name, style, icon, width, height]));
  for (const { icon, width, height } of world.grounds ?? []) drawings.update(JSON.stringify([icon, width, height]));
  const settings = {
    split: world.split,
    count,
    seed,
    size,
    ...scene,
    form,
    names: world.names.length,
    drawings: drawings.digest("hex"),
  };
  const path = join(folder, "scenes.json");
  const text = `${JSON.stringify(settings, undefined, 2)}\n`;
  if (!existsSync(path)) {
    const found = ["images", "blocks", "instances.json", "grounding.json"].find((name) =>
      existsSync(join(folder, name)),
    );
    if (found !== undefined)
      throw new InputError(
        `${folder} contains ${found}, which is not a dataset of generated scenes; use another folder`,
      );
    writeWholeNow(path, text);
  } else if (readFileSync(path, "utf8") !== text)
    throw new InputError(
      `${path} belongs to a dataset with other settings than ${text.trim()}; use another folder or delete it`,
    );
}

async function writeBlock(world: World, dataset: SceneDataset, start: number, end: number): Promise<void> {
  const block = blockPath(dataset.folder, start);
  if (existsSync(block)) return;
  mkdirSync(join(dataset.folder, "blocks"), { recursive: true });
  mkdirSync(join(dataset.folder, "images"), { recursive: true });
  const records: SceneRecords[] = [];
  const pictures: Promise<void>[] = [];
  for (let i = start; i < end; i++) {
    const scene = sceneOf(world, dataset, i);
    const file = `${numbered(i)}.png`;
    records.push(recordsOf(scene, { id: i, file }, world));
    pictures.push(pngOf(scene).then((png) => writeWholeNow(join(dataset.folder, "images", file), png)));
  }
  await Promise.all(pictures);
  writeWholeNow(block, JSON.stringify(records));
}

function gatherBlocks(world: World, { folder, count }: SceneDataset): void {
  const records: SceneRecords[] = [];
  for (let start = 0; start < count; start += blockSize)
    records.push(...(JSON.parse(readFileSync(blockPath(folder, start), "utf8")) as SceneRecords[]));
  for (const kind of ["instances", "grounding"] as const) {
    const names = kind === "instances" ? world.names : ["object"];
    const file = {
      info: { description: `generated scenes, split ${world.split}` },
      images: records.map((record) => record[kind].image),
      annotations: records.flatMap((record) => record[kind].annotations),
      categories: names.map((name, i) => ({ id: i + 1, name })),
    };
    writeWholeNow(join(folder, `${kind}.json`), JSON.stringify(file));
  }
  rmSync(join(folder, "blocks"), { recursive: true });
}

async function writeShard(world: World, dataset: SceneDataset, start: number, end: number): Promise<void> {
  const path = join(dataset.folder, `${numbered(start / blockSize)}.tar`);
  if (existsSync(path)) return;
  const { pack } = await optional(() => import("tar-stream"), { purpose: "writing tars", packages: ["tar-stream"] });
  const shard = pack();
  const mtime = new Date(0);
  for (let i = start; i < end; i++) {
    const scene = sceneOf(world, dataset, i);
    shard.entry({ name: `${numbered(i)}.png`, mtime }, await pngOf(scene));
    shard.entry({ name: `${numbered(i)}.txt`, mtime }, dataset.form === "names" ? namesIn(scene) : scene.caption);
  }
  shard.finalize();
  const parts: Buffer[] = [];
  for await (const part of shard) parts.push(Buffer.from(part as Uint8Array));
  writeWholeNow(path, Buffer.concat(parts));
}

/** "a dog, a cup." */
function namesIn({ objects }: Scene): string {
  return `${[...new Set(objects.map(({ name }) => name))].map((name) => withArticle("", name)).join(", ")}.`;
}

function sceneOf(world: World, { seed, size, scene }: SceneDataset, i: number): Scene {
  return composeScene(world, seed * scenesPerSeed + i, { ...scene, width: size, height: size });
}

function pngOf({ picture: { data, width, height } }: Scene): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 6 })
    .toBuffer();
}

function blockPath(folder: string, start: number): string {
  return join(folder, "blocks", `${numbered(start)}.json`);
}

function numbered(number: number): string {
  return String(number).padStart(6, "0");
}
