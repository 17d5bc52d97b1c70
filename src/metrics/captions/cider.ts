/** CIDEr-D (Vedantam et al. 2015) as tylin/coco-caption's `cider_scorer.py` computes it; the tools print it as CIDEr. */

import type { CaptionPair } from "./bleu.ts";
import { grams, wordsOf } from "./grams.ts";

const LONGEST = 4;
const SIGMA = 6;

/** Runs of words with their weights, by length. */
interface Weighed {
  readonly weights: Map<string, number>[];
  readonly norms: number[];
  /** Number of bigrams. */
  readonly length: number;
}

/**
 * The score of each picture: cosines of runs of 1 to 4 words, weighed by their rarity among the pictures' references, with counts clipped to the
 * reference's and a penalty for another length; mean over lengths and references, times 10. With one picture all scores are 0.
 */
export function ciderD(pairs: readonly CaptionPair[]): number[] {
  const references = pairs.map((pair) => pair.references.map((text) => grams(wordsOf(text), LONGEST)));
  const pictures = new Map<string, number>();
  for (const counts of references)
    for (const gram of new Set(counts.flatMap((count) => [...count.keys()])))
      pictures.set(gram, (pictures.get(gram) ?? 0) + 1);
  const rarity = (gram: string) => Math.log(pairs.length) - Math.log(Math.max(1, pictures.get(gram) ?? 0));
  return pairs.map(({ candidate }, i) => {
    const own = weigh(grams(wordsOf(candidate), LONGEST), rarity);
    const scores = references[i]!.map((counts) => similarity(own, weigh(counts, rarity)));
    return (scores.reduce((sum, score) => sum + score, 0) / scores.length) * 10;
  });
}

function weigh(counts: ReadonlyMap<string, number>, rarity: (gram: string) => number): Weighed {
  const weights = Array.from({ length: LONGEST }, () => new Map<string, number>());
  const squares = [0, 0, 0, 0];
  let length = 0;
  for (const [gram, count] of counts) {
    const n = gram.split(" ").length - 1;
    const weight = count * rarity(gram);
    weights[n]!.set(gram, weight);
    squares[n]! += weight ** 2;
    if (n === 1) length += count;
  }
  return { weights, norms: squares.map(Math.sqrt), length };
}

function similarity(own: Weighed, other: Weighed): number {
  const penalty = Math.exp(-((own.length - other.length) ** 2) / (2 * SIGMA ** 2));
  let sum = 0;
  for (let n = 0; n < LONGEST; n++) {
    let product = 0;
    for (const [gram, weight] of own.weights[n]!) {
      const reference = other.weights[n]!.get(gram) ?? 0;
      product += Math.min(weight, reference) * reference;
    }
    const norms = own.norms[n]! * other.norms[n]!;
    sum += (norms === 0 ? product : product / norms) * penalty;
  }
  return sum / LONGEST;
}
