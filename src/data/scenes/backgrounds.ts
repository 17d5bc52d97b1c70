/** Backgrounds: gradients, noise, boards, tiles, bricks, grass, and clutter that has no name. */

import type { Random } from "../random.ts";
import { groundColour, type Rgb } from "./colours.ts";
import type { Layer } from "./layers.ts";

/** Colour at a pixel, written into the picture by `paint`. */
type Shade = (x: number, y: number) => number;

type Canvas = { readonly data: Uint8Array; readonly width: number; readonly height: number };

/** A kind of background. */
export type Ground = keyof typeof namedGrounds;

export interface BackgroundOptions {
  /** If given, half of the backgrounds are parts of these photos. */
  readonly photos?: readonly Layer[] | undefined;
  /** Use only this kind of background. */
  readonly ground?: Ground | undefined;
}

/** A new background of the given size in pixels, RGB. */
export function drawBackground(
  random: Random,
  width: number,
  height: number,
  { photos = [], ground }: BackgroundOptions = {},
): Canvas {
  const canvas = { data: new Uint8Array(width * height * 3), width, height };
  if (photos.length > 0 && random.chance(0.5)) crop(canvas, random.pick(photos), random);
  else (ground ? namedGrounds[ground] : random.pick(grounds))(canvas, random);
  if (random.chance(0.35)) clutter(canvas, random);
  if (random.chance(0.5)) drawLight(canvas, random);
  return canvas;
}

const namedGrounds = { gradient, clouds, grass, boards, tiles, bricks, stripes, horizon };

const grounds: readonly ((canvas: Canvas, random: Random) => void)[] = [
  gradient,
  gradient,
  clouds,
  clouds,
  grass,
  boards,
  tiles,
  bricks,
  stripes,
  horizon,
  horizon,
  speckles,
];

/** A part of a photo, enlarged, mirrored and tinted at random. */
function crop({ data, width, height }: Canvas, photo: Layer, random: Random): void {
  const fit = Math.min(photo.width / width, photo.height / height);
  const scale = fit * random.between(0.35, 1);
  const left = random.between(0, photo.width - width * scale);
  const top = random.between(0, photo.height - height * scale);
  const mirrored = random.chance(0.5);
  const brightness = random.between(0.8, 1.8);
  const tint = [0, 0, 0].map(() => brightness * random.between(0.85, 1.15));
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const column = Math.floor(left + (mirrored ? width - 1 - x : x) * scale);
      const from = (Math.floor(top + y * scale) * photo.width + column) * 4;
      for (let c = 0; c < 3; c++, at++) data[at] = Math.min(255, photo.pixels[from + c]! * tint[c]!);
    }
}

function gradient(canvas: Canvas, random: Random): void {
  const across = random.between(-1, 1);
  const down = random.between(-1, 1);
  const reach = Math.abs(across) * canvas.width + Math.abs(down) * canvas.height + 1;
  const start = (across < 0 ? -across * canvas.width : 0) + (down < 0 ? -down * canvas.height : 0);
  paint(canvas, groundColour(random), groundColour(random), (x, y) => (start + across * x + down * y) / reach);
}

function clouds(canvas: Canvas, random: Random): void {
  const noise = layeredNoise(random, random.between(24, 120), random.between(24, 120), 4);
  paint(canvas, groundColour(random), groundColour(random), noise);
}

function speckles(canvas: Canvas, random: Random): void {
  const coarse = layeredNoise(random, 60, 60, 2);
  const fine = layeredNoise(random, random.between(2, 5), random.between(2, 5), 2);
  paint(canvas, groundColour(random), groundColour(random), (x, y) => 0.35 * coarse(x, y) + 0.65 * fine(x, y));
}

function grass(canvas: Canvas, random: Random): void {
  const blades = layeredNoise(random, random.between(1.5, 3), random.between(8, 20), 2);
  const patches = layeredNoise(random, 50, 50, 2);
  const green: Rgb = [random.between(30, 90), random.between(90, 170), random.between(10, 70)];
  const dark: Rgb = [green[0] * 0.4, green[1] * 0.5, green[2] * 0.4];
  paint(canvas, dark, green, (x, y) => 0.6 * blades(x, y) + 0.4 * patches(x, y));
}

function boards(canvas: Canvas, random: Random): void {
  const grain = layeredNoise(random, random.between(60, 160), random.between(3, 7), 3);
  const breadth = random.between(18, 70);
  const brown: Rgb = [random.between(110, 220), random.between(75, 160), random.between(40, 110)];
  const dark: Rgb = [brown[0] * 0.55, brown[1] * 0.5, brown[2] * 0.45];
  const upright = random.chance(0.5);
  const tones = Array.from({ length: 64 }, () => random.between(-0.25, 0.25));
  paint(canvas, dark, brown, (x, y) => {
    const [along, over] = upright ? [y, x] : [x, y];
    const board = Math.floor(over / breadth);
    if (over - board * breadth < 1.5) return 0;
    return 0.45 + 0.5 * grain(along + board * 97, over) + (tones[board & 63] ?? 0);
  });
}

function tiles(canvas: Canvas, random: Random): void {
  const breadth = random.between(14, 64);
  const joint = random.chance(0.5) ? 0 : random.between(1, 3);
  const checked = joint === 0 || random.chance(0.5);
  const turn = random.between(-0.4, 0.4);
  const noise = layeredNoise(random, 30, 30, 3);
  paint(canvas, groundColour(random), groundColour(random), (x, y) => {
    const over = (x + turn * y) / breadth;
    const down = (y - turn * x) / breadth;
    const column = Math.floor(over);
    const row = Math.floor(down);
    if (Math.min(over - column, down - row) * breadth < joint) return 1;
    return (checked && (column + row) & 1 ? 0.8 : 0.1) + 0.2 * noise(x, y);
  });
}

function bricks(canvas: Canvas, random: Random): void {
  const long = random.between(24, 60);
  const high = long * random.between(0.35, 0.55);
  const mortar = random.between(1.5, 3.5);
  const noise = layeredNoise(random, 8, 8, 3);
  const tones = Array.from({ length: 256 }, () => random.between(0, 0.35));
  paint(canvas, groundColour(random), groundColour(random), (x, y) => {
    const row = Math.floor(y / high);
    const shifted = x + (row & 1 ? long / 2 : 0);
    const column = Math.floor(shifted / long);
    if (y - row * high < mortar || shifted - column * long < mortar) return 1;
    return 0.3 * noise(x, y) + (tones[(row * 37 + column * 11) & 255] ?? 0);
  });
}

function stripes(canvas: Canvas, random: Random): void {
  const turn = random.between(-2, 2);
  const breadth = random.between(8, 50) * (1 + Math.abs(turn));
  const share = random.between(0.2, 0.8);
  const upright = random.chance(0.5);
  paint(canvas, groundColour(random), groundColour(random), (x, y) => {
    const place = (upright ? x + turn * y : y + turn * x) / breadth;
    return place - Math.floor(place) < share ? 0.1 : 0.9;
  });
}

function horizon(canvas: Canvas, random: Random): void {
  const line = canvas.height * random.between(0.25, 0.75);
  gradient(canvas, random);
  const ground = { data: new Uint8Array(canvas.data.length), width: canvas.width, height: canvas.height };
  random.pick([grass, clouds, speckles, tiles, boards])(ground, random);
  const start = Math.floor(line) * canvas.width * 3;
  canvas.data.set(ground.data.subarray(start), start);
}

/** Rectangles, ellipses and triangles in any colour, in which nothing should be detected. */
function clutter(canvas: Canvas, random: Random): void {
  const { data, width, height } = canvas;
  for (let count = 1 + random.below(7); count > 0; count--) {
    const colour = groundColour(random);
    const strength = random.between(0.3, 1);
    const [centreX, centreY] = [random.between(0, width), random.between(0, height)];
    const [reachX, reachY] = [width * random.between(0.03, 0.25), height * random.between(0.03, 0.25)];
    const inside = random.pick(shapes);
    const bottom = Math.min(height, Math.ceil(centreY + reachY));
    const right = Math.min(width, Math.ceil(centreX + reachX));
    for (let y = Math.max(0, Math.floor(centreY - reachY)); y < bottom; y++)
      for (let x = Math.max(0, Math.floor(centreX - reachX)); x < right; x++) {
        if (!inside((x - centreX) / reachX, (y - centreY) / reachY)) continue;
        const at = (y * width + x) * 3;
        for (let c = 0; c < 3; c++) data[at + c] = (data[at + c] ?? 0) * (1 - strength) + (colour[c] ?? 0) * strength;
      }
  }
}

const shapes: readonly ((x: number, y: number) => boolean)[] = [
  () => true,
  (x, y) => x * x + y * y < 1,
  (x, y) => Math.abs(x) < (y + 1) / 2,
  (x, y) => Math.abs(x + y) < 0.3,
];

/** One side of the picture darker than the other, as by a window or a lamp. */
function drawLight({ data, width, height }: Canvas, random: Random): void {
  const [start, across, down] = [random.between(0.7, 1.05), random.between(-0.3, 0.3), random.between(-0.3, 0.3)];
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const light = start + (across * x) / width + (down * y) / height;
      for (let c = 0; c < 3; c++, at++) data[at] = Math.max(0, Math.min(255, (data[at] ?? 0) * light));
    }
}

function paint({ data, width, height }: Canvas, first: Rgb, second: Rgb, shade: Shade): void {
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const part = Math.max(0, Math.min(1, shade(x, y)));
      for (let c = 0; c < 3; c++, at++) data[at] = (first[c] ?? 0) * (1 - part) + (second[c] ?? 0) * part;
    }
}

const lattice = 64;

/** Value noise in [0, 1]: `layers` octaves, the first with cells of the given size in pixels. */
function layeredNoise(random: Random, cellWidth: number, cellHeight: number, layers: number): Shade {
  const values = Float32Array.from({ length: lattice * lattice }, () => random.unit());
  const total = 2 - 2 / 2 ** layers;
  return (x, y) => {
    let sum = 0;
    let weight = 1;
    let across = x / cellWidth;
    let down = y / cellHeight;
    for (let layer = 0; layer < layers; layer++) {
      sum += weight * latticeValue(values, across, down);
      weight /= 2;
      across = across * 2 + 13;
      down = down * 2 + 29;
    }
    return sum / total;
  };
}

function latticeValue(values: Float32Array, across: number, down: number): number {
  const column = Math.floor(across);
  const row = Math.floor(down);
  let right = across - column;
  let below = down - row;
  right = right * right * (3 - 2 * right);
  below = below * below * (3 - 2 * below);
  const here = (row & 63) * lattice;
  const next = ((row + 1) & 63) * lattice;
  const left = column & 63;
  const beside = (column + 1) & 63;
  const upper = (values[here + left] ?? 0) * (1 - right) + (values[here + beside] ?? 0) * right;
  const lower = (values[next + left] ?? 0) * (1 - right) + (values[next + beside] ?? 0) * right;
  return upper * (1 - below) + lower * below;
}
