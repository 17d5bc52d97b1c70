/** The outlines of masks: polygons on the borders of pixels, from which the same mask can be drawn again. */

import { pixelsOf, type RunLengths } from "./run-lengths.ts";

/** A closed polygon: x, y, x, y, … in pixels. */
export type Outline = number[];

/** A closed loop, with the part of the mask that it borders. */
interface Loop {
  readonly points: Outline;
  readonly part: number;
}

/** Steps to the right, down, left, up. */
const X = [1, 0, -1, 0] as const;
const Y = [0, 1, 0, -1] as const;

/** An outline for each part of the mask; pixels that share a side are one part. A hole is joined to its part's outline by a line that is passed twice. */
export function outlinesOf(mask: RunLengths): Outline[] {
  const byPart = new Map<number, Outline[]>();
  for (const { points, part } of loopsOf(mask)) {
    const own = byPart.get(part);
    if (own) own.push(points);
    else byPart.set(part, [points]);
  }
  return [...byPart.values()].map(joined);
}

/** One outline for the whole mask, with its parts joined by lines that are passed twice; empty for a mask without pixels. */
export function oneOutline(mask: RunLengths): Outline {
  return joined(outlinesOf(mask));
}

/** Follows the borders between pixels that are set and others, with the set ones on the right; corners only. */
function loopsOf(mask: RunLengths): Loop[] {
  const { height, width } = mask;
  const parts = partsOf(pixelsOf(mask), mask);
  const steps = stepsOf(parts, mask);
  const corners = width + 1;
  const loops: Loop[] = [];
  for (let start = 0; start < steps.length; start++) {
    while (steps[start] !== 0) {
      const x = start % corners;
      const y = (start - x) / corners;
      // The first corner in reading order: an outer border leaves it to the right, a hole's goes down.
      const isOuter = (steps[start]! & 1) !== 0;
      const part = parts[y * width + (isOuter ? x : x - 1)]!;
      loops.push({ points: follow(steps, start, corners), part });
    }
  }
  return height * width === 0 ? [] : loops;
}

/** The steps, as bits, that borders take from each corner of the pixels [height+1,width+1]. */
function stepsOf(parts: Int32Array, { height, width }: RunLengths): Uint8Array {
  const at = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && parts[y * width + x] !== 0;
  const corners = width + 1;
  const steps = new Uint8Array(corners * (height + 1));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (!at(x, y)) continue;
      const corner = y * corners + x;
      if (!at(x, y - 1)) steps[corner]! |= 1;
      if (!at(x + 1, y)) steps[corner + 1]! |= 2;
      if (!at(x, y + 1)) steps[corner + corners + 1]! |= 4;
      if (!at(x - 1, y)) steps[corner + corners]! |= 8;
    }
  return steps;
}

/** Follows one loop and removes its steps. Where two loops touch at a corner it turns right, and so stays at its part. */
function follow(steps: Uint8Array, start: number, corners: number): Outline {
  const points: Outline = [];
  let corner = start;
  let direction = [0, 1, 2, 3].find((step) => steps[start]! & (1 << step))!;
  let before = -1;
  do {
    if (direction !== before) points.push(corner % corners, Math.floor(corner / corners));
    steps[corner]! &= ~(1 << direction);
    corner += X[direction]! + Y[direction]! * corners;
    before = direction;
    direction = [1, 0, 3].map((turn) => (before + turn) % 4).find((step) => steps[corner]! & (1 << step)) ?? -1;
  } while (corner !== start);
  return points;
}

/** Numbers the parts of a mask [height,width] from 1; 0 elsewhere. */
function partsOf(pixels: Uint8Array, { height, width }: RunLengths): Int32Array {
  const parts = new Int32Array(height * width);
  let count = 0;
  for (let first = 0; first < pixels.length; first++) {
    if (!pixels[first] || parts[first]) continue;
    parts[first] = ++count;
    const open = [first];
    for (let pixel = open.pop(); pixel !== undefined; pixel = open.pop()) {
      const x = pixel % width;
      const beside = [x > 0 ? pixel - 1 : -1, x < width - 1 ? pixel + 1 : -1, pixel - width, pixel + width];
      for (const next of beside)
        if (next >= 0 && next < pixels.length && pixels[next] && !parts[next]) {
          parts[next] = count;
          open.push(next);
        }
    }
  }
  return parts;
}

/** One path through all loops: from the nearest corner so far to a loop, around it, and back. */
function joined(loops: readonly Outline[]): Outline {
  const [first = [], ...others] = loops;
  let path = [...first];
  for (const loop of others) {
    const [x, y] = loop as [number, number, ...number[]];
    let nearest = 0;
    let least = Infinity;
    for (let i = 0; i < path.length; i += 2) {
      const distance = (path[i]! - x) ** 2 + (path[i + 1]! - y) ** 2;
      if (distance < least) [least, nearest] = [distance, i];
    }
    path = [...path.slice(0, nearest + 2), ...loop, x, y, ...path.slice(nearest)];
  }
  return path;
}
