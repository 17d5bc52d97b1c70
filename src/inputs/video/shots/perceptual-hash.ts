/** Perceptual hashes: the signs of a frame's lowest frequencies. Source: Breakthrough/PySceneDetect `detectors/hash_detector.py`. */

import { type Frame, grey } from "./colours.ts";

/**
 * Hash of `size` × `size` bits, row by row: of the frame in grey, `2 · size` pixels wide and high, which of the lowest frequencies are
 * above their median.
 */
export function perceptualHash(frame: Frame, size = 8): Uint8Array {
  const side = 2 * size;
  const small = shrink(frame, side);
  const most = Math.max(1, ...small);
  const low = lowFrequencies(
    small.map((value) => value / most),
    side,
    size,
  ).map((value) => (Math.abs(value) < ROUNDING ? 0 : value));
  const sorted = low.slice().sort();
  const middle = (sorted[sorted.length / 2 - 1]! + sorted[sorted.length / 2]!) / 2;
  return Uint8Array.from(low, (value) => (value > middle ? 1 : 0));
}

/** Coefficients below this come from the rounding of pixels to 8 bits, such as all but the first of a plain frame. */
const ROUNDING = 1e-4;

/** Share of bits that differ. */
export function hashDistance(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, bit, k) => sum + (bit === b[k] ? 0 : 1), 0) / a.length;
}

/** The frame in grey, each pixel the mean of the area it covers, rounded to 8 bits. */
function shrink({ data, width, height }: Frame, side: number): Float64Array {
  const across = spans(width, side);
  const down = spans(height, side);
  const area = (width / side) * (height / side);
  return Float64Array.from({ length: side * side }, (_, k) => {
    let sum = 0;
    for (const [y, wy] of down[Math.floor(k / side)]!)
      for (const [x, wx] of across[k % side]!) {
        const at = 3 * (y * width + x);
        sum += wy * wx * grey(data[at]!, data[at + 1]!, data[at + 2]!);
      }
    return Math.round(sum / area);
  });
}

/** For each of `side` equal parts of a length: the pixels it covers, and how much of each. */
function spans(length: number, side: number): [pixel: number, share: number][][] {
  return Array.from({ length: side }, (_, part) => {
    const [start, end] = [(part * length) / side, ((part + 1) * length) / side];
    const covered: [number, number][] = [];
    for (let pixel = Math.floor(start); pixel < Math.min(length, Math.ceil(end - 1e-9)); pixel++)
      covered.push([pixel, Math.min(end, pixel + 1) - Math.max(start, pixel)]);
    return covered;
  });
}

/** The `keep` × `keep` lowest coefficients of the two-dimensional cosine transform (type II, orthonormal). */
function lowFrequencies(values: Float64Array, side: number, keep: number): Float64Array {
  const basis = Array.from({ length: keep }, (_, u) =>
    Float64Array.from(
      { length: side },
      (_, x) => Math.sqrt((u ? 2 : 1) / side) * Math.cos(((2 * x + 1) * u * Math.PI) / (2 * side)),
    ),
  );
  const rows = Array.from({ length: side }, (_, y) =>
    basis.map((cosines) => cosines.reduce((sum, cosine, x) => sum + cosine * values[y * side + x]!, 0)),
  );
  return Float64Array.from({ length: keep * keep }, (_, k) =>
    basis[Math.floor(k / keep)]!.reduce((sum, cosine, y) => sum + cosine * rows[y]![k % keep]!, 0),
  );
}
