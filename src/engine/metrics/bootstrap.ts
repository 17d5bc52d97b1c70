/** Is a difference between two runs more than luck? Paired bootstrap over images (Efron 1979), both runs on the same draws. */
import { Random } from "../../data/random.ts";
import { rankSlots, recallThresholds } from "./accumulate.ts";
import type { Evaluation } from "./coco.ts";
import type { FlickrEvaluation } from "./flickr30k.ts";
import { overlapThresholds } from "./matching.ts";

/** Numbers of a run when each image counts as often as its weight says. */
export type WeightedScore = (weights: Float64Array) => Record<string, number>;

export interface Difference {
  metric: string;
  first: number;
  second: number;
  /** second − first, and the interval that holds 95 % of the resampled differences. */
  difference: number;
  low: number;
  high: number;
}

/** Draws `samples` sets of as many images, with replacement, and compares two runs on each. */
export function pairedBootstrap(
  images: number,
  runs: { first: WeightedScore; second: WeightedScore },
  { samples = 1000, seed = 0 }: { samples?: number; seed?: number } = {},
): Difference[] {
  const all = new Float64Array(images).fill(1);
  const [first, second] = [runs.first(all), runs.second(all)];
  const metrics = Object.keys(first).filter((metric) => metric in second);
  const drawn = new Map(metrics.map((metric) => [metric, new Float64Array(samples)]));
  const random = new Random(seed);
  for (let sample = 0; sample < samples; sample++) {
    const weights = new Float64Array(images);
    for (let draw = 0; draw < images; draw++) weights[Math.floor(random.unit() * images)]!++;
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

/** AP, AP50 and AP75 of a run over all areas, and AP of groups of categories (places in `catIds`), for weighted images. */
export function weightedPrecision(
  evaluation: Evaluation,
  groups: Readonly<Record<string, readonly number[]>> = {},
): WeightedScore {
  const { problem, pairs, outcomes } = evaluation;
  const { ranking } = rankSlots(problem, pairs);
  const images = Int32Array.from(pairs.slots, (detection) => problem.detections.image[detection]!);
  const categories = Int32Array.from(pairs.slots, (detection) => problem.detections.category[detection]!);
  const [hits, falseAlarms] = [outcomes.hits[0]!, outcomes.falseAlarms[0]!];
  const judged = ranking.filter((slot) => (hits[slot]! | falseAlarms[slot]!) !== 0);
  return (weights) => {
    const objects = new Float64Array(problem.categories);
    pairs.list.forEach(({ category, image }, pair) => {
      objects[category]! += weights[image]! * outcomes.objects[0]![pair]!;
    });
    // [threshold][category]
    const precisions = overlapThresholds.map(() => new Float64Array(problem.categories).fill(-1));
    for (let start = 0, category = 0; category < problem.categories; category++) {
      let end = start;
      while (end < judged.length && categories[judged[end]!] === category) end++;
      const ranked = judged.subarray(start, end);
      for (let threshold = 0; objects[category]! > 0 && threshold < overlapThresholds.length; threshold++) {
        const curve = { ranked, images, hits, falseAlarms, weights, threshold, objects: objects[category]! };
        precisions[threshold]![category] = weightedAverage(curve);
      }
      start = end;
    }
    const all = [...objects.keys()];
    const score: Record<string, number> = {
      AP: meanOf(precisions, all),
      AP50: meanOf([precisions[0]!], all),
      AP75: meanOf([precisions[5]!], all),
    };
    for (const [name, members] of Object.entries(groups)) score[name] = meanOf(precisions, members);
    return score;
  };
}

/** Recall@1, 5 and 10 over all phrases for weighted images, given the order of the images. */
export function weightedRecall(evaluation: FlickrEvaluation, images: readonly string[]): WeightedScore {
  const index = new Map(images.map((id, place) => [id, place]));
  return (weights) => {
    const score: Record<string, number> = {};
    ["R@1", "R@5", "R@10"].forEach((metric, rank) => {
      let [found, total] = [0, 0];
      for (const { image, hits } of evaluation.phrases) {
        const weight = weights[index.get(image)!]!;
        total += weight;
        if (hits[rank]) found += weight;
      }
      score[metric] = total ? found / total : -1;
    });
    return score;
  };
}

interface WeightedCurve {
  ranked: Int32Array;
  images: Int32Array;
  hits: Uint16Array;
  falseAlarms: Uint16Array;
  weights: Float64Array;
  threshold: number;
  objects: number;
}

/** Mean precision at the 101 recalls of one curve. */
function weightedAverage({ ranked, images, hits, falseAlarms, weights, threshold, objects }: WeightedCurve): number {
  const found: number[] = [];
  const envelope: number[] = [];
  let [right, wrong] = [0, 0];
  for (let place = 0; place < ranked.length; place++) {
    const slot = ranked[place]!;
    const weight = weights[images[slot]!]!;
    if (weight === 0) continue;
    if ((hits[slot]! >> threshold) & 1) {
      right += weight;
      found.push(right);
      envelope.push(right / (wrong + right + 2 ** -52));
    } else if ((falseAlarms[slot]! >> threshold) & 1) wrong += weight;
  }
  for (let hit = envelope.length - 2; hit >= 0; hit--) envelope[hit] = Math.max(envelope[hit]!, envelope[hit + 1]!);
  let sum = 0;
  let hit = 0;
  for (let r = 0; r < recallThresholds.length; r++) {
    while (hit < found.length && found[hit]! / objects < recallThresholds[r]!) hit++;
    if (hit === found.length) break;
    sum += envelope[hit]!;
  }
  return sum / recallThresholds.length;
}

function meanOf(rows: readonly Float64Array[], places: readonly number[]): number {
  let [sum, count] = [0, 0];
  for (const row of rows) {
    for (const place of places) {
      if (row[place]! <= -1) continue;
      sum += row[place]!;
      count++;
    }
  }
  return count ? sum / count : -1;
}
