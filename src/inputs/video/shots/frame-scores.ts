/**
 * How much each frame differs from the one before, from which shots are detected. Source: Breakthrough/PySceneDetect `detectors/`.
 */

import { type Frame, type HsvPlanes, hsvPlanes, luma, meanDifference, meanIntensity } from "./colours.ts";
import { hashDistance, perceptualHash } from "./perceptual-hash.ts";

/** The scores of a frame; those that compare are absent for the first frame. */
export interface FrameScores {
  /** Mean of the next three. */
  content?: number;
  deltaHue?: number;
  deltaSaturation?: number;
  deltaValue?: number;
  /** Correlation of the histograms of luma, −1 to 1. */
  histogram?: number;
  /** Share of bits of the perceptual hash that changed. */
  hash?: number;
  /** Mean of all channels, 0 to 255. */
  intensity: number;
}

export interface ScoreOptions {
  /** Bins of the histogram: a power of two up to 256 (default 128). */
  bins?: number;
  /** Sides of the perceptual hash in bits (default 8). */
  hashSize?: number;
}

/** Scores frames one after another. All have the same size. */
export function frameScorer({ bins = 128, hashSize = 8 }: ScoreOptions = {}): (frame: Frame) => FrameScores {
  let before: { planes: HsvPlanes; counts: Float64Array; hash: Uint8Array } | undefined;
  return (frame) => {
    const now = { planes: hsvPlanes(frame), counts: lumaHistogram(frame, bins), hash: perceptualHash(frame, hashSize) };
    const intensity = meanIntensity(frame);
    const last = before;
    before = now;
    if (!last) return { intensity };
    const deltaHue = meanDifference(now.planes.hue, last.planes.hue);
    const deltaSaturation = meanDifference(now.planes.saturation, last.planes.saturation);
    const deltaValue = meanDifference(now.planes.value, last.planes.value);
    return {
      content: (deltaHue + deltaSaturation + deltaValue) / 3,
      deltaHue,
      deltaSaturation,
      deltaValue,
      histogram: correlation(last.counts, now.counts),
      hash: hashDistance(last.hash, now.hash),
      intensity,
    };
  };
}

function lumaHistogram({ data }: Frame, bins: number): Float64Array {
  const counts = new Float64Array(bins);
  const shift = 8 - Math.log2(bins);
  for (let at = 0; at < data.length; at += 3) counts[luma(data[at]!, data[at + 1]!, data[at + 2]!) >> shift]!++;
  return counts;
}

/** Pearson's correlation of two histograms; 1 where one of them is flat. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  let [sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0];
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[k]!, b[k]!];
    sa += x;
    sb += y;
    saa += x * x;
    sbb += y * y;
    sab += x * y;
  }
  const spread = (saa - (sa * sa) / n) * (sbb - (sb * sb) / n);
  return Math.abs(spread) > Number.EPSILON ? (sab - (sa * sb) / n) / Math.sqrt(spread) : 1;
}
