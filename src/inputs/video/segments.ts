/** Parts of a shot that look alike, found by features of frames. */

/** Features of frames, all of one length. */
export type Features = readonly ArrayLike<number>[];

export interface SegmentOptions {
  /** Weight of the penalty for change points (default 1); more gives fewer segments. */
  penalty?: number;
  /** Minimum length of a segment in frames (default 1). */
  minLength?: number;
  /** Maximum number of change points (default: as many as fit). Time and memory grow with it. */
  maxChanges?: number;
}

export interface Segments {
  /** First frames of new segments, ascending. */
  changePoints: number[];
  /** The criterion for 0, 1, 2, … change points; Infinity if there is no room for so many. */
  costs: number[];
}

/**
 * Kernel temporal segmentation: the change points that minimise the differences within segments plus a penalty for each point. Time grows with frames² ·
 * changes, memory with frames². Source: Potapov et al., "Category-specific video summarization" (ECCV 2014).
 */
export function changePoints(features: Features, options: SegmentOptions = {}): Segments {
  const n = features.length;
  const { penalty = 1, minLength = 1, maxChanges = Math.floor(n / minLength) - 1 } = options;
  if (!n) return { changePoints: [], costs: [] };
  const scatter = scatterOf(features);
  // best[m][j]: least scatter of the first j frames with m change points; from[m][j]: where the last segment begins.
  const best = [Float64Array.from({ length: n + 1 }, (_, j) => (j >= minLength ? scatter(0, j) : Infinity))];
  const from: Int32Array[] = [new Int32Array(n + 1)];
  for (let m = 1; m <= maxChanges; m++) {
    const before = best[m - 1]!;
    const row = new Float64Array(n + 1).fill(Infinity);
    const starts = new Int32Array(n + 1);
    for (let j = (m + 1) * minLength; j <= n; j++)
      for (let i = m * minLength; i <= j - minLength; i++) {
        const cost = before[i]! + scatter(i, j);
        if (cost < row[j]!) [row[j], starts[j]] = [cost, i];
      }
    best.push(row);
    from.push(starts);
  }
  const costs = best.map((row, m) => row[n]! / n + (m ? ((penalty * m) / (2 * n)) * (Math.log(n / m) + 1) : 0));
  const count = costs.indexOf(Math.min(...costs));
  const points: number[] = [];
  for (let m = count, j = n; m > 0; m--) {
    j = from[m]![j]!;
    points.unshift(j);
  }
  return { changePoints: points, costs };
}

/** Scatter of frames [i, j) around their mean, from sums over the table of inner products. */
export function scatterOf(features: Features): (i: number, j: number) => number {
  const n = features.length;
  const squares = new Float64Array(n + 1);
  const sums = new Float64Array((n + 1) * (n + 1));
  for (let i = 0; i < n; i++) {
    squares[i + 1] = squares[i]! + product(features[i]!, features[i]!);
    let row = 0;
    for (let j = 0; j < n; j++) {
      row += product(features[i]!, features[j]!);
      sums[(i + 1) * (n + 1) + j + 1] = sums[i * (n + 1) + j + 1]! + row;
    }
  }
  const sum = (i: number, j: number) => sums[i * (n + 1) + j]!;
  return (i, j) => squares[j]! - squares[i]! - (sum(j, j) - sum(i, j) - sum(j, i) + sum(i, i)) / (j - i);
}

/**
 * How new each frame is: inner products with a checkerboard of `width` frames on each side, weighted by distance. Source: Foote,
 * "Automatic audio segmentation using a measure of audio novelty" (2000).
 */
export function novelty(features: Features, width: number): Float64Array {
  const deviation = width / 2;
  return Float64Array.from(features, (_, t) => {
    let sum = 0;
    for (let a = -width; a < width; a++)
      for (let b = -width; b < width; b++) {
        const [x, y] = [features[t + a], features[t + b]];
        // Frames t … t + width − 1 lie behind the border, those before it in front; offsets are measured from the border.
        const [u, v] = [a + 0.5, b + 0.5];
        const weight = Math.exp(-(u * u + v * v) / (2 * deviation * deviation));
        if (x && y) sum += product(x, y) * Math.sign(u * v) * weight;
      }
    return sum;
  });
}

/** Peaks of the novelty above its mean by one deviation, at least `apart` frames from a higher one. */
export function noveltyPeaks(values: Float64Array, apart: number): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const order = [...values.keys()]
    .filter((t) => values[t]! > mean + spread)
    .sort((a, b) => values[b]! - values[a]! || a - b);
  const peaks: number[] = [];
  for (const t of order) if (peaks.every((peak) => Math.abs(peak - t) >= apart)) peaks.push(t);
  return peaks.sort((a, b) => a - b);
}

function product(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}
