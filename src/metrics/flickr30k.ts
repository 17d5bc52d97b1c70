/** Flickr30k Entities phrase grounding: Recall@k as in ashkamath/mdetr `flickr_eval.py`. */
import type { FlickrDetections, FlickrPrediction, FlickrTruth } from "../data/readers/flickr-truth.ts";
import { InputError } from "../errors.ts";
import { xyxyOverlap } from "./box-overlap.ts";

/** The ranks k of Recall@k; −1 means all. */
export const flickrRanks = [1, 5, 10, -1] as const;

/** Hits of each phrase at each rank. */
export interface FlickrEvaluation {
  /** Per k (−1: "all boxes") the recall of "all" phrases and of each type. */
  recall: Record<string, Record<string, number>>;
  /** Hits per type in the order of `flickrRanks`, and the number of phrases. */
  counts: Record<string, { hits: number[]; phrases: number }>;
  /** Each phrase, by image, sentence and place, with its best overlap and whether it was hit within each rank; NaN for 0/0. */
  phrases: {
    image: string;
    sentence: number;
    phrase: number;
    id: string;
    types: string[];
    overlaps: number[];
    hits: boolean[];
  }[];
}

/** "any": a hit is an overlap of one half with any box of the phrase; "merged": with the box around all of them. */
export type FlickrBoxes = "any" | "merged";

/**
 * Recall within the best 1, 5, 10 and all boxes of each phrase. A second prediction for a sentence is ignored.
 * @throws InputError that lists sentences without a prediction, of unknown images, or with a wrong number of phrases.
 */
export function evaluateFlickr30k(
  truth: readonly FlickrTruth[],
  predictions: readonly FlickrPrediction[],
  boxes: FlickrBoxes = "any",
): FlickrEvaluation {
  const images = new Map(truth.map((image) => [image.id, image]));
  const expected = new Map<string, { phrase_id: string; phrase_type: string[] }[]>();
  for (const { id, boxes: known, sentences } of truth) {
    sentences.forEach((phrases, sentence) => {
      const evaluated = phrases.filter((phrase) => Object.hasOwn(known, phrase.phrase_id));
      if (evaluated.length) expected.set(`${id}_${sentence}`, evaluated);
    });
  }
  refuseUnfit(expected, predictions);
  const counts = new Map<string, { hits: number[]; phrases: number }>();
  const rows: FlickrEvaluation["phrases"] = [];
  for (const prediction of predictions) {
    const key = `${prediction.image_id}_${prediction.sentence_id}`;
    const phrases = expected.get(key);
    if (!phrases) continue;
    expected.delete(key);
    const image = String(prediction.image_id);
    const known = images.get(image)!.boxes;
    phrases.forEach(({ phrase_id: id, phrase_type }, phrase) => {
      const targets = targetsOf(known[id]!, boxes);
      const ranked = prediction.boxes[phrase]!.map((box) => maximum(targets.map((target) => xyxyOverlap(box, target))));
      const overlaps = flickrRanks.map((rank) => maximum(rank < 0 ? ranked : ranked.slice(0, rank)));
      const hits = overlaps.map((overlap) => overlap >= 0.5);
      rows.push({ image, sentence: prediction.sentence_id, phrase, id, types: phrase_type, overlaps, hits });
      for (const type of ["all", ...phrase_type]) {
        const count = counts.get(type) ?? { hits: flickrRanks.map(() => 0), phrases: 0 };
        counts.set(type, count);
        count.phrases++;
        hits.forEach((hit, rank) => {
          if (hit) count.hits[rank]!++;
        });
      }
    });
  }
  const recallAt = (rank: number) =>
    Object.fromEntries([...counts].map(([type, { hits, phrases }]) => [type, hits[rank]! / phrases]));
  return {
    recall: Object.fromEntries(flickrRanks.map((k, rank) => [k < 0 ? "all boxes" : k, recallAt(rank)])),
    counts: Object.fromEntries(counts),
    phrases: rows.sort(
      (a, b) => Number(a.image > b.image) - Number(a.image < b.image) || a.sentence - b.sentence || a.phrase - b.phrase,
    ),
  };
}

/** R@1, R@5, R@10 over all phrases, and of each type as R@1_people. */
export function summarizeFlickr30k(evaluation: FlickrEvaluation): Record<string, number> {
  const summary: Record<string, number> = {};
  const types = Object.keys(evaluation.counts).sort();
  for (const k of [1, 5, 10]) summary[`R@${k}`] = evaluation.recall[k]?.all ?? -1;
  for (const k of [1, 5, 10]) for (const type of types) summary[`R@${k}_${type}`] = evaluation.recall[k]![type]!;
  return summary;
}

/**
 * Groups detections by phrase, best first, and adds an empty box to every phrase, as microsoft/GLIP's evaluation does,
 * so that no phrase is without a box.
 */
export function groupByPhrase(sentences: readonly FlickrDetections[]): FlickrPrediction[] {
  return sentences.map(({ image_id, sentence_id, phrases, detections }) => {
    const sorted = [...detections].sort((a, b) => b.score - a.score);
    const boxes = Array.from({ length: phrases }, (_, phrase) => [
      ...sorted.filter((detection) => detection.label === phrase + 1).map((detection) => detection.box),
      [0, 0, 0, 0],
    ]);
    return { image_id, sentence_id, boxes };
  });
}

function refuseUnfit(
  expected: ReadonlyMap<string, readonly unknown[]>,
  predictions: readonly FlickrPrediction[],
): void {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { image_id, sentence_id, boxes } of predictions) {
    const key = `${image_id}_${sentence_id}`;
    const phrases = expected.get(key)?.length;
    if (phrases !== undefined && !seen.has(key) && phrases !== boxes.length) {
      problems.push(
        `image ${image_id} sentence ${sentence_id}: ${boxes.length} phrases predicted, ${phrases} have boxes`,
      );
    }
    seen.add(key);
  }
  const missing = [...expected.keys()].filter((key) => !seen.has(key));
  if (missing.length)
    problems.push(`${missing.length} sentences have no prediction: ${missing.slice(0, 5).join(", ")}`);
  if (problems.length)
    throw new InputError(`Flickr30k predictions do not fit:\n  ${problems.slice(0, 20).join("\n  ")}`);
}

/** The boxes that count as hits for a phrase: any of its boxes, or the box around all of them. */
export function targetsOf(boxes: readonly number[][], which: FlickrBoxes): readonly number[][] {
  return which === "any" ? boxes : [enclose(boxes)];
}

function enclose(boxes: readonly number[][]): number[] {
  const side = (index: number) => boxes.map((box) => box[index]!);
  return [Math.min(...side(0)), Math.min(...side(1)), Math.max(...side(2)), Math.max(...side(3))];
}

/** NaN if any value is NaN, as in NumPy; 0 for an empty list. */
function maximum(values: readonly number[]): number {
  return values.length ? Math.max(...values) : 0;
}
