/**
 * Thirteen small detection sets for adaptation, each with a different look: a small version of Object Detection in the Wild (GLIP, section
 * 5).
 */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeWholeFolder } from "../../files/write-whole.ts";
import { sharp } from "../../inputs/pictures/sharp.ts";
import type { Ground } from "./backgrounds.ts";
import { composeScene, type Scene, type SceneObject } from "./compose.ts";
import { type Look, lookAt } from "./effects.ts";
import { checkIconSetsOf, loadWorld, type Split, type World } from "./world.ts";

/** A generated dataset of its own classes. */
export interface DownstreamSet {
  readonly name: string;
  /** Split that the drawings come from; default "train". */
  readonly split?: Split;
  /** Only these drawing styles. */
  readonly styles?: readonly string[];
  /** Names of the things shown; also the classes unless `classes` is given. */
  readonly names: readonly string[];
  /** Classes more specific than a name ("red balloon"); things of no class are shown without a label. */
  readonly classes?: readonly string[];
  /** The class of a thing; its name when absent. */
  readonly classOf?: (object: SceneObject) => string;
  /** Probability that a thing is painted in another colour. */
  readonly painted?: number;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Maximum number of things in a scene, and the side of the smallest as a fraction of the picture's side. */
  readonly objects: number;
  readonly smallest: number;
  readonly ground?: Ground;
  readonly look?: Look;
}

const sides = { width: 128, height: 128, objects: 4, smallest: 0.25 };

/** In alphabetical order, as `groundling eval --protocol odinw` lists them. The built-in model was not trained on the names of Insects, Oddities and
 * Workshop, the drawing style of OldPets and the looks of NightSky and ThermalPets. */
export const downstreamSets: readonly DownstreamSet[] = [
  { ...sides, name: "Aquarium", names: ["fish", "shark", "octopus", "crab"], ground: "clouds", objects: 5 },
  {
    ...sides,
    name: "Balloons",
    names: ["balloon"],
    classes: ["red balloon", "green balloon", "purple balloon"],
    classOf: ({ name, attributes }) => `${attributes.colour} ${name}`,
    painted: 0.75,
  },
  {
    ...sides,
    name: "Chairs",
    names: ["chair"],
    classes: ["small chair", "large chair"],
    classOf: ({ name, attributes }) => `${attributes.size} ${name}`,
    smallest: 0.14,
    ground: "boards",
  },
  {
    ...sides,
    name: "Insects",
    split: "novel",
    names: ["beetle", "cricket", "fly", "mosquito"],
    ground: "grass",
    ...{ width: 160, height: 160, objects: 6, smallest: 0.12 },
  },
  { ...sides, name: "Kitchen", names: ["apple", "banana", "cup"], ground: "boards" },
  { ...sides, name: "NightSky", names: ["airplane", "moon", "star", "rocket"], ground: "gradient", look: "night" },
  {
    ...sides,
    name: "Oddities",
    split: "novel",
    names: ["tiger", "lobster", "sandwich", "helmet", "pumpkin", "bottle", "seal", "garlic"],
  },
  { ...sides, name: "OldPets", split: "style", names: ["dog", "cat", "bird", "rabbit"] },
  { ...sides, name: "Savanna", names: ["elephant", "lion", "zebra", "giraffe"], ground: "horizon" },
  { ...sides, name: "ThermalPets", names: ["dog", "cat"], look: "thermal", width: 96, height: 96, objects: 3 },
  {
    ...sides,
    name: "Traffic",
    names: ["car", "bus", "bicycle", "truck"],
    ground: "bricks",
    ...{ width: 160, height: 96, objects: 5 },
  },
  {
    ...sides,
    name: "Wardrobe",
    styles: ["noto", "fluent-emoji-flat"],
    names: ["shirt", "shoe", "hat", "dress", "umbrella", "glasses", "necktie", "backpack"],
    ground: "stripes",
    objects: 5,
  },
  {
    ...sides,
    name: "Workshop",
    split: "novel",
    names: ["clamp", "hook", "chain", "toolbox"],
    ground: "tiles",
    ...{ width: 96, height: 128 },
  },
];

/** Number of pictures in each part of a set. */
export const downstreamCounts = { train: 40, valid: 30, test: 40 } as const;
/** Numbers of scenes, different from those of every other command: a million per seed, a thousand per set, two hundred per part. */
const FIRST_SCENE = 3_000_000_000;

/** Where the sets are written, and which of them. */
export interface DownstreamOptions {
  /** Folder of rendered drawings. */
  readonly sprites: string;
  readonly seed?: number;
  /** Names of the sets to write; default: all. */
  readonly only?: readonly string[];
  /** Called with the name of each finished set. */
  readonly progress?: (name: string) => void;
}

/**
 * Writes SET/{train,valid,test} with pictures and `annotations_without_background.json`, as ODinW is published; the same bytes for
 * a seed. An existing set is kept. A set appears under its name only when it is complete.
 */
export async function writeDownstreamSets(
  folder: string,
  { sprites, seed = 0, only, progress }: DownstreamOptions,
): Promise<void> {
  checkIconSetsOf(...downstreamSets.map(({ split = "train" }) => ({ split })));
  for (const [place, set] of downstreamSets.entries()) {
    if ((only && !only.includes(set.name)) || existsSync(join(folder, set.name))) continue;
    const world = worldOf(set, sprites);
    await writeWholeFolder(join(folder, set.name), async (part) => {
      let scene = FIRST_SCENE + seed * 1_000_000 + place * 1000;
      for (const [split, count] of Object.entries(downstreamCounts)) {
        await writeSplit(join(part, split), set, world, { first: scene, count });
        scene += 200;
      }
    });
    progress?.(set.name);
  }
}

function worldOf({ split = "train", names, styles, painted }: DownstreamSet, sprites: string): World {
  const world = loadWorld(sprites, { split, names });
  const wanted = [...world.sprites].map(([name, drawings]) => {
    const kept = drawings.filter((ofStyle) => !styles || styles.includes(ofStyle[0]!.style));
    return [name, kept] as const;
  });
  return { ...world, sprites: new Map(wanted), ...(painted === undefined ? {} : { painted }) };
}

async function writeSplit(
  folder: string,
  set: DownstreamSet,
  world: World,
  { first, count }: { first: number; count: number },
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { width, height } = set;
  const categories = (set.classes ?? set.names).map((name, i) => ({ id: i + 1, name, supercategory: "none" }));
  const images: object[] = [];
  const annotations: object[] = [];
  const pictures: Promise<void>[] = [];
  for (let id = 0; id < count; id++) {
    const scene = composeScene(world, first + id, set);
    if (set.look) lookAt(scene.picture.data, set.look);
    const file_name = `${String(id).padStart(4, "0")}.png`;
    pictures.push(writePng(join(folder, file_name), scene));
    images.push({ id, file_name, width, height });
    for (const object of scene.objects) {
      const category = categories.find(({ name }) => name === (set.classOf?.(object) ?? object.name));
      const [left, top, right, bottom] = object.box;
      const bbox = [left, top, right - left, bottom - top] as const;
      if (category)
        annotations.push({
          ...{ id: annotations.length + 1, image_id: id, category_id: category.id },
          ...{ bbox, area: bbox[2] * bbox[3], iscrowd: 0 },
        });
    }
  }
  await Promise.all(pictures);
  const text = JSON.stringify({ info: { description: `${set.name}, generated` }, images, annotations, categories });
  writeFileSync(join(folder, "annotations_without_background.json"), `${text}\n`);
}

async function writePng(file: string, { picture: { data, width, height } }: Scene): Promise<void> {
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 6 })
    .toFile(file);
}
