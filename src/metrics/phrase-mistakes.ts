/** The mistakes behind Recall@k: phrases that were missed, and phrases whose best box is on the object of another phrase. */
import type { FlickrPrediction, FlickrTruth } from "../data/readers/flickr-truth.ts";
import { xyxyOverlap } from "./box-overlap.ts";
import { type FlickrBoxes, type FlickrEvaluation, targetsOf } from "./flickr30k.ts";
import { type Confusion, countPairs, type Mistake } from "./mistakes.ts";

/** Phrases with their predictions, in the same order. */
export interface Phrases {
  truth: readonly FlickrTruth[];
  predictions: readonly FlickrPrediction[];
  evaluation: FlickrEvaluation;
  boxes: FlickrBoxes;
}

/**
 * The largest objects that none of the ten best boxes of their phrase overlap, and the object under the best box of each phrase, by type of phrase
 * (a place in `types`; a phrase without one counts as "all").
 */
export function phraseMistakes(
  { truth, predictions, evaluation, boxes }: Phrases,
  { types, most }: { types: readonly string[]; most: number },
): { misses: Mistake[]; confusion: Confusion } {
  const images = new Map(truth.map((image) => [image.id, image]));
  const predicted = new Map<string, FlickrPrediction>();
  for (const prediction of predictions) {
    const key = `${prediction.image_id} ${prediction.sentence_id}`;
    if (!predicted.has(key)) predicted.set(key, prediction);
  }
  const placeOf = (own: readonly string[]) => types.indexOf(own[0] ?? "all");
  const pairs = countPairs();
  const missed: (Mistake & { area: number })[] = [];
  for (const { image: id, sentence, phrase, id: phraseId, types: own, hits } of evaluation.phrases) {
    const image = images.get(id)!;
    const category = placeOf(own);
    const best = predicted.get(`${id} ${sentence}`)!.boxes[phrase]![0];
    if (hits[0]) {
      pairs.add(category, category);
      continue;
    }
    const overlapWith = (other: string) =>
      best ? Math.max(...targetsOf(image.boxes[other]!, boxes).map((box) => xyxyOverlap(best, box))) : 0;
    const evaluated = image.sentences[sentence]!.filter(({ phrase_id }) => Object.hasOwn(image.boxes, phrase_id));
    const called = evaluated.find(({ phrase_id }) => phrase_id !== phraseId && overlapWith(phrase_id) >= 0.5);
    pairs.add(category, called ? placeOf(called.phrase_type) : -1);
    if (hits[2]) continue;
    const largest = targetsOf(image.boxes[phraseId]!, boxes).reduce((a, b) => (areaOf(b) > areaOf(a) ? b : a));
    const met = called ?? evaluated[phrase]!;
    const nearest = { category: placeOf(met.phrase_type), name: met.phrase, overlap: overlapWith(met.phrase_id) };
    missed.push({
      imageId: id,
      category,
      name: evaluated[phrase]!.phrase,
      xywh: xywhOf(largest),
      area: areaOf(largest),
      ...(best && areaOf(best) > 0 && { nearest: { ...nearest, xywh: xywhOf(best) } }),
    });
  }
  const misses = missed.sort((a, b) => b.area - a.area).slice(0, most);
  return { misses: misses.map(({ area: _, ...mistake }) => mistake), confusion: { cells: pairs.cells() } };
}

function areaOf([x1, y1, x2, y2]: readonly number[]): number {
  return (x2! - x1!) * (y2! - y1!);
}

function xywhOf([x1, y1, x2, y2]: readonly number[]): number[] {
  return [x1!, y1!, x2! - x1!, y2! - y1!];
}
