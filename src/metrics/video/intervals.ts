/** Intervals of time, and average precision over ranked intervals. */

/** [start, end] in seconds. */
export type Interval = readonly [start: number, end: number];

/** Intersection over union of two intervals; 0 where they do not meet. */
export function intervalOverlap([a, b]: Interval, [c, d]: Interval): number {
  const both = Math.min(b, d) - Math.max(a, c);
  return both > 0 ? both / (b - a + (d - c) - both) : 0;
}

/** A ranked interval of a video. */
export interface RankedInterval {
  video: string;
  interval: Interval;
}

/**
 * Which intervals, best first, find a true interval that none before found: each tries the true ones of its video by descending overlap
 * (of equal ones the later) and takes the first free one with at least `least`.
 */
export function matchIntervals(
  truth: ReadonlyMap<string, readonly Interval[]>,
  ranked: readonly RankedInterval[],
  least: number,
): boolean[] {
  const taken = new Map([...truth].map(([video, intervals]) => [video, new Uint8Array(intervals.length)]));
  return ranked.map(({ video, interval }) => {
    const own = taken.get(video);
    if (!own) return false;
    const overlaps = truth.get(video)!.map((one) => intervalOverlap(one, interval));
    const order = overlaps.map((_, k) => k).sort((a, b) => overlaps[b]! - overlaps[a]! || b - a);
    for (const k of order) {
      if (overlaps[k]! < least) return false;
      if (own[k]) continue;
      own[k] = 1;
      return true;
    }
    return false;
  });
}

/** Area under the precision, made monotone, over the recall. `hits`: best first. */
export function areaUnderPrecision(hits: readonly boolean[], objects: number): number {
  const precisions: number[] = [];
  let found = 0;
  for (const [k, hit] of hits.entries()) {
    if (hit) found++;
    precisions.push(found / (k + 1));
  }
  for (let k = precisions.length - 2; k >= 0; k--) precisions[k] = Math.max(precisions[k]!, precisions[k + 1]!);
  return hits.reduce((sum, hit, k) => sum + (hit ? precisions[k]! / objects : 0), 0);
}
