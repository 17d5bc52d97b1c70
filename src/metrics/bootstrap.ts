/**
 * Tests whether a difference between two runs is significant: paired bootstrap over images (Efron 1979) with the same samples for both
 * runs.
 */
import { Random } from "../data/random.ts";
import type { FlickrEvaluation } from "./flickr30k.ts";

/** Metrics of a run in which each image counts as often as its weight. */
export type WeightedScore = (weights: Float64Array) => Record<string, number>;

/** The difference of a score between two runs, with its confidence interval. */
export interface Difference {
  metric: string;
  first: number;
  second: number;
  /** second − first, and the interval with 95 % of the resampled differences. */
  difference: number;
  low: number;
  high: number;
}

/**
 * Resamples the images `samples` times with replacement, and compares the two runs on each sample. `sets` has the number of images of each
 * set; images are resampled within their set.
 */
export function pairedBootstrap(
  sets: readonly number[],
  runs: { first: WeightedScore; second: WeightedScore },
  { samples = 1000, seed = 0 }: { samples?: number; seed?: number } = {},
): Difference[] {
  const images = sets.reduce((sum, count) => sum + count, 0);
  const all = new Float64Array(images).fill(1);
  const [first, second] = [runs.first(all), runs.second(all)];
  const metrics = Object.keys(first).filter((metric) => metric in second);
  const drawn = new Map(metrics.map((metric) => [metric, new Float64Array(samples)]));
  const random = new Random(seed);
  const weights = new Float64Array(images);
  for (let sample = 0; sample < samples; sample++) {
    weights.fill(0);
    let start = 0;
    for (const count of sets) {
      for (let draw = 0; draw < count; draw++) weights[start + Math.floor(random.unit() * count)]!++;
      start += count;
    }
    const [a, b] = [runs.first(weights), runs.second(weights)];
    for (const metric of metrics) drawn.get(metric)![sample] = b[metric]! - a[metric]!;
  }
  return metrics.map((metric) => {
    const sorted = drawn.get(metric)!.sort();
    const quantile = (share: number) => sorted[Math.round(share * (samples - 1))]!;
    return {
      metric,
      first: first[metric]!,
      second: second[metric]!,
      difference: second[metric]! - first[metric]!,
      low: quantile(0.025),
      high: quantile(0.975),
    };
  });
}

/** Recall@1, 5 and 10 over all phrases and of each type, for weighted images, given the order of the images. */
export function weightedRecall(evaluation: FlickrEvaluation, images: readonly string[]): WeightedScore {
  const index = new Map(images.map((id, place) => [id, place]));
  const types = Object.keys(evaluation.counts).sort();
  return (weights) => {
    const score: Record<string, number> = {};
    ["R@1", "R@5", "R@10"].forEach((metric, rank) => {
      const sums = new Map(types.map((type) => [type, { found: 0, total: 0 }]));
      for (const { image, types: own, hits } of evaluation.phrases) {
        const weight = weights[index.get(image)!]!;
        for (const type of ["all", ...own]) {
          const sum = sums.get(type)!;
          sum.total += weight;
          if (hits[rank]) sum.found += weight;
        }
      }
      for (const [type, { found, total }] of sums) {
        score[type === "all" ? metric : `${metric}_${type}`] = total ? found / total : -1;
      }
    });
    return score;
  };
}
