/** Camera effects on a scene: light, blur, noise. */

import type { Random } from "../random.ts";

/** Changes an RGB picture in place, so little that colours keep their names. */
export function photograph(data: Uint8Array, width: number, height: number, random: Random): void {
  if (random.chance(0.25)) for (let times = 1 + random.below(2); times > 0; times--) blur(data, width, height);
  const noise = random.chance(0.4) ? random.between(2, 14) : 0;
  const contrast = random.between(0.75, 1.2);
  const gains = [0, 0, 0].map(() => contrast * random.between(0.94, 1.06));
  const lift = 128 * (1 - contrast) + random.between(-22, 22);
  for (let at = 0; at < data.length; )
    for (let c = 0; c < 3; c++, at++) {
      let value = (data[at] as number) * (gains[c] as number) + lift;
      if (noise > 0) value += noise * grain(random);
      data[at] = Math.max(0, Math.min(255, value));
    }
}

/** The kind of a camera's picture: thermal, or at night. */
export type Look = "thermal" | "night";

/** Changes an RGB picture in place, so much that it belongs to another domain. */
export function lookAt(data: Uint8Array, look: Look): void {
  for (let at = 0; at < data.length; at += 3) {
    const light = 0.3 * data[at]! + 0.59 * data[at + 1]! + 0.11 * data[at + 2]!;
    if (look === "thermal") data.fill(255 - light, at, at + 3);
    else
      [0.3, 0.35, 0.5].forEach((share, c) => {
        data[at + c] = share * (0.5 * data[at + c]! + 0.5 * light);
      });
  }
}

/** Each pixel with its neighbours, weighted 1 2 1 in both directions. */
function blur(data: Uint8Array, width: number, height: number): void {
  const source = data.slice();
  for (let y = 0; y < height; y++)
    for (let at = y * width * 3, end = at + width * 3; at < end; at++) {
      const left = at - 3 < y * width * 3 ? at : at - 3;
      const right = at + 3 >= end ? at : at + 3;
      data[at] = ((source[left] ?? 0) + 2 * (source[at] ?? 0) + (source[right] ?? 0) + 2) >> 2;
    }
  source.set(data);
  const row = width * 3;
  for (let at = 0; at < data.length; at++) {
    const above = at < row ? at : at - row;
    const below = at + row >= data.length ? at : at + row;
    data[at] = ((source[above] ?? 0) + 2 * (source[at] ?? 0) + (source[below] ?? 0) + 2) >> 2;
  }
}

/** A random number in (-1, 1); values near 0 are more likely. */
function grain(random: Random): number {
  const bits = random.next();
  return ((bits & 0xffff) + (bits >>> 16)) / 65536 - 1;
}
