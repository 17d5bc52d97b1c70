/** Makes a scene from a seed: a background, things on it, and true statements about them. */

import { Random } from "../random.ts";
import { drawBackground, type Ground } from "./backgrounds.ts";
import { type Caption, describe } from "./caption.ts";
import type { ColourWord } from "./colours.ts";
import { photograph } from "./effects.ts";
import { drawLayer, type Layer, type Pose } from "./layers.ts";
import { lookOf } from "./paint.ts";
import type { Sprite } from "./sprites.ts";
import { choosePaint, type World } from "./world.ts";

/** One thing in a scene. */
export interface SceneObject {
  readonly name: string;
  readonly style: string;
  readonly icon: string;
  /** xyxy in pixels around its visible part; the right and lower edges are exclusive. */
  readonly box: readonly [number, number, number, number];
  /** Visible fraction of the thing, 0 to 1: not hidden by the frame or another thing. */
  readonly visible: number;
  readonly attributes: { readonly colour: ColourWord | undefined; readonly size: "small" | "large" | undefined };
}

/** A picture with all its annotations. */
export interface Scene extends Caption {
  /** RGB, width × height × 3. */
  readonly picture: { readonly data: Uint8Array; readonly width: number; readonly height: number };
  readonly objects: readonly SceneObject[];
  /** Object at each pixel: 0 for the background, i + 1 for object i. */
  readonly owners: Uint8Array;
}

/** Size of scenes in pixels, and the largest number of things. */
export interface SceneOptions {
  /** Side of the smallest things, as a fraction of the shorter side of the picture; default 0.12, at most 0.6. */
  readonly smallest?: number;
  readonly width?: number;
  readonly height?: number;
  readonly objects?: number;
  /** Kind of background; default: any. */
  readonly ground?: Ground;
}

interface Placed {
  readonly sprite: Sprite;
  readonly pose: Pose;
  readonly area: number;
}

const visibleAlpha = 64;
const leastVisible = 0.55;

/**
 * Composes the scene that belongs to `seed`: the same bytes on every machine, whatever was composed before.
 *
 * ```ts
 * const world = loadWorld("runs/sprites", { split: "train" });
 * const { picture, objects, caption, phrases } = composeScene(world, 12, { width: 224, height: 224 });
 * // objects[0]: { name: "apple", box: [31, 40, 96, 110], visible: 1, attributes: { colour: "red", size: undefined }, … }
 * // caption: "a red apple and two chairs."; phrases[1]: { text: "two chairs", span: [16, 26], objects: [1, 2] }
 * ```
 */
export function composeScene(world: World, seed: number, options: SceneOptions = {}): Scene {
  const { width = 256, height = 256, objects: most = 6, smallest = 0.12, ground } = options;
  const random = new Random(world.split, seed);
  const picture = drawBackground(random, width, height, { photos: world.grounds, ground });
  const owners = new Uint8Array(width * height);
  const placed: Placed[] = [];
  /** Number of visible pixels of each object. */
  const areas = [width * height];
  for (const sprite of chooseSprites(world, 1 + random.below(most), random)) {
    const pose = choosePose(world, sprite, { frame: Math.min(width, height), most, smallest }, random);
    const layer = drawLayer(sprite, pose);
    const spot = findSpot(layer, picture, owners, areas, placed, random);
    if (!spot) continue;
    if (random.chance(0.4)) castShadow(picture, layer, spot, random);
    lay(picture, owners, areas, layer, spot);
    placed.push({ sprite, pose, area: areaOf(layer) });
  }
  photograph(picture.data, width, height, random);
  const objects = measure(placed, owners, areas, width, height);
  return { picture, objects, owners, ...describe(objects, random, world.split === "compose" ? ["colour"] : undefined) };
}

/** A few things, sometimes several of one name; never two related names. */
function chooseSprites(world: World, count: number, random: Random): Sprite[] {
  const names: string[] = [];
  for (let i = 0; i < count; i++) {
    const name = random.chance(0.2) && names.length ? random.pick(names) : random.pick(world.names);
    if (!names.some((other) => world.relatedTo(name).has(other))) names.push(name);
  }
  return names.map((name) => random.pick(random.pick(world.sprites.get(name) ?? [])));
}

function choosePose(
  world: World,
  sprite: Sprite,
  { frame, most, smallest }: { frame: number; most: number; smallest: number },
  random: Random,
): Pose {
  const share = most > 2 ? random.unit() * random.between(0.4, 1) : random.unit();
  const brightness = random.between(0.8, 1.12);
  const turn = random.chance(0.8) ? random.between(-0.12, 0.12) : random.between(-0.4, 0.4);
  return {
    side: frame * (smallest + (0.6 - smallest) * share),
    turn,
    mirrored: random.chance(0.5),
    squeeze: random.between(0.88, 1.12),
    light: [0, 0, 0].map(() => brightness * random.between(0.95, 1.05)) as [number, number, number],
    paint: choosePaint(world, sprite, random),
  };
}

/** A position for the layer's corner at which it is visible and hides little of the things already there. */
function findSpot(
  layer: Layer,
  { width, height }: Canvas,
  owners: Uint8Array,
  areas: readonly number[],
  placed: readonly Placed[],
  random: Random,
): Spot | undefined {
  const full = areaOf(layer);
  for (let attempt = 0; attempt < 12; attempt++) {
    const beyond = random.chance(0.12) ? 0.25 : 0;
    const x = Math.round(random.between(-beyond * layer.width, width - layer.width * (1 - beyond)));
    const y = Math.round(random.between(-beyond * layer.height, height - layer.height * (1 - beyond)));
    const hidden = new Uint32Array(areas.length);
    let inside = 0;
    eachVisible(layer, x, y, width, height, (at) => {
      inside++;
      hidden[owners[at] as number]! += 1;
    });
    const fits = placed.every(({ area }, i) => !hidden[i + 1] || areas[i + 1]! - hidden[i + 1]! >= leastVisible * area);
    if (fits && inside >= 0.75 * full) return { x, y };
  }
  return undefined;
}

function areaOf({ pixels }: Layer): number {
  let area = 0;
  for (let at = 3; at < pixels.length; at += 4) if ((pixels[at] ?? 0) >= visibleAlpha) area++;
  return area;
}

function eachVisible(
  layer: Layer,
  left: number,
  top: number,
  width: number,
  height: number,
  visit: (at: number) => void,
) {
  const bottom = Math.min(layer.height, height - top);
  const right = Math.min(layer.width, width - left);
  for (let y = Math.max(0, -top); y < bottom; y++)
    for (let x = Math.max(0, -left); x < right; x++)
      if ((layer.pixels[(y * layer.width + x) * 4 + 3] ?? 0) >= visibleAlpha) visit((y + top) * width + x + left);
}

interface Spot {
  readonly x: number;
  readonly y: number;
}

type Canvas = Scene["picture"];

function lay(canvas: Canvas, owners: Uint8Array, areas: number[], layer: Layer, spot: Spot): void {
  const owner = areas.push(0) - 1;
  const bottom = Math.min(layer.height, canvas.height - spot.y);
  const right = Math.min(layer.width, canvas.width - spot.x);
  for (let y = Math.max(0, -spot.y); y < bottom; y++)
    for (let x = Math.max(0, -spot.x); x < right; x++) {
      const from = (y * layer.width + x) * 4;
      const alpha = layer.pixels[from + 3] ?? 0;
      if (alpha === 0) continue;
      const pixel = (y + spot.y) * canvas.width + x + spot.x;
      const through = 1 - alpha / 255;
      for (let c = 0; c < 3; c++) {
        const mixed = (layer.pixels[from + c] ?? 0) + (canvas.data[pixel * 3 + c] ?? 0) * through;
        canvas.data[pixel * 3 + c] = Math.min(255, mixed);
      }
      if (alpha < visibleAlpha) continue;
      areas[owners[pixel] as number]! -= 1;
      areas[owner]! += 1;
      owners[pixel] = owner;
    }
}

/** Darkens the background next to the layer, in coarse steps of three pixels so that the edge is soft. */
function castShadow(canvas: Canvas, layer: Layer, spot: Spot, random: Random): void {
  const strength = random.between(0.08, 0.2);
  const reach = Math.max(2, Math.round(layer.height * 0.06));
  const [dx, dy] = [random.below(2 * reach + 1) - reach, random.below(reach + 1)];
  for (const [shiftX, shiftY] of [
    [0, 0],
    [-2, 1],
    [2, 2],
  ] as const)
    eachVisible(layer, spot.x + dx + shiftX, spot.y + dy + shiftY, canvas.width, canvas.height, (at) => {
      for (let c = 0; c < 3; c++) canvas.data[at * 3 + c] = (canvas.data[at * 3 + c] ?? 0) * (1 - strength);
    });
}

function measure(
  placed: readonly Placed[],
  owners: Uint8Array,
  areas: readonly number[],
  width: number,
  height: number,
): SceneObject[] {
  const extents = placed.map(() => ({ left: width, top: height, right: 0, bottom: 0 }));
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      const owner = owners[at] as number;
      if (owner === 0) continue;
      const extent = extents[owner - 1]!;
      if (x < extent.left) extent.left = x;
      if (x >= extent.right) extent.right = x + 1;
      if (y < extent.top) extent.top = y;
      if (y >= extent.bottom) extent.bottom = y + 1;
    }
  return placed.map(({ sprite, pose, area }, i) => {
    const { left, top, right, bottom } = extents[i]!;
    const extent = Math.max(right - left, bottom - top) / Math.min(width, height);
    return {
      name: sprite.name,
      style: sprite.style,
      icon: sprite.icon,
      box: [left, top, right, bottom],
      visible: areas[i + 1]! / area,
      attributes: {
        colour: pose.paint ?? lookOf(sprite).word,
        size: extent < 0.2 ? "small" : extent > 0.42 ? "large" : undefined,
      },
    };
  });
}
