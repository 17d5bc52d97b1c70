/** Rotates, scales, mirrors and lights a sprite, to put it on the scene. */

import type { ColourWord } from "./colours.ts";
import { paintOver } from "./paint.ts";
import type { Sprite } from "./sprites.ts";

/** RGBA multiplied by alpha. */
export interface Layer {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** How to show a sprite. */
export interface Pose {
  /** Longest side before rotation, in pixels of the scene. */
  readonly side: number;
  /** Tangent of half the rotation angle: sine and cosine follow by division alone, the same on every machine. */
  readonly turn: number;
  readonly mirrored: boolean;
  /** Width over height, relative to the drawing. */
  readonly squeeze: number;
  /** Factors for red, green and blue. */
  readonly light: readonly [number, number, number];
  /** Colour to paint the drawing with, if any. */
  readonly paint: ColourWord | undefined;
}

/** Draws a sprite in a pose, smoothed by bilinear sampling of the nearest halved copy. */
export function drawLayer(sprite: Sprite, pose: Pose): Layer {
  const source = copyNear(sprite, pose.side);
  const scale = pose.side / Math.max(source.width, source.height);
  const [wide, high] = [source.width * scale * pose.squeeze, source.height * scale];
  const norm = 1 + pose.turn * pose.turn;
  const cosine = (1 - pose.turn * pose.turn) / norm;
  const sine = (2 * pose.turn) / norm;
  const width = Math.ceil(Math.abs(cosine) * wide + Math.abs(sine) * high);
  const height = Math.ceil(Math.abs(sine) * wide + Math.abs(cosine) * high);
  const pixels = new Uint8Array(width * height * 4);
  const perAcross = (pose.mirrored ? -1 : 1) / (scale * pose.squeeze);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at += 4) {
      const [across, down] = [x + 0.5 - width / 2, y + 0.5 - height / 2];
      const u = (cosine * across + sine * down) * perAcross + source.width / 2 - 0.5;
      const v = (cosine * down - sine * across) / scale + source.height / 2 - 0.5;
      if (u > -1 && v > -1 && u < source.width && v < source.height) sample(source, u, v, pixels, at);
    }
  if (pose.paint) paintOver(pixels, sprite, pose.paint);
  illuminate(pixels, pose.light);
  return { width, height, pixels };
}

function sample({ pixels, width, height }: Layer, u: number, v: number, into: Uint8Array, at: number): void {
  const column = Math.floor(u);
  const row = Math.floor(v);
  const [right, below] = [u - column, v - row];
  const near = (row * width + column) * 4;
  const upper = row >= 0 ? 1 - below : 0;
  const lower = row + 1 < height ? below : 0;
  const left = column >= 0 ? 1 - right : 0;
  const beside = column + 1 < width ? right : 0;
  const [a, b, c, d] = [upper * left, upper * beside, lower * left, lower * beside];
  for (let k = 0; k < 4; k++) {
    const i = near + k;
    let value = 0.5;
    if (a > 0) value += a * (pixels[i] ?? 0);
    if (b > 0) value += b * (pixels[i + 4] ?? 0);
    if (c > 0) value += c * (pixels[i + width * 4] ?? 0);
    if (d > 0) value += d * (pixels[i + width * 4 + 4] ?? 0);
    into[at + k] = value;
  }
}

function illuminate(pixels: Uint8Array, [red, green, blue]: readonly [number, number, number]): void {
  for (let at = 0; at < pixels.length; at += 4) {
    const alpha = pixels[at + 3] ?? 0;
    if (alpha === 0) continue;
    pixels[at] = Math.min(alpha, (pixels[at] ?? 0) * red);
    pixels[at + 1] = Math.min(alpha, (pixels[at + 1] ?? 0) * green);
    pixels[at + 2] = Math.min(alpha, (pixels[at + 2] ?? 0) * blue);
  }
}

const halvedCopies = new WeakMap<Sprite, Layer[]>();

function copyNear(sprite: Sprite, side: number): Layer {
  let copies = halvedCopies.get(sprite);
  if (!copies) {
    copies = [sprite];
    halvedCopies.set(sprite, copies);
  }
  for (let level = 0; ; level++) {
    const copy = copies[level] ?? halved(copies[level - 1] ?? sprite);
    copies[level] = copy;
    if (Math.max(copy.width, copy.height) < side * 1.6) return copy;
  }
}

/** A copy of half the width and height, rounded up; each pixel is the mean of up to four. */
export function halved({ width, height, pixels }: Layer): Layer {
  const half = { width: (width + 1) >> 1, height: (height + 1) >> 1 };
  const result = new Uint8Array(half.width * half.height * 4);
  for (let y = 0, to = 0; y < half.height; y++)
    for (let x = 0; x < half.width; x++)
      for (let k = 0; k < 4; k++, to++) {
        const at = (2 * y * width + 2 * x) * 4 + k;
        const besides = 2 * x + 1 < width ? 4 : 0;
        const belows = 2 * y + 1 < height;
        const upper = (pixels[at] ?? 0) + (besides ? (pixels[at + 4] ?? 0) : 0);
        const lower = belows ? (pixels[at + width * 4] ?? 0) + (besides ? (pixels[at + width * 4 + 4] ?? 0) : 0) : 0;
        result[to] = (upper + lower + 2) >> 2;
      }
  return { ...half, pixels: result };
}
