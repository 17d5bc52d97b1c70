/** BLEU (Papineni et al. 2002) as tylin/coco-caption's `bleu_scorer.py` computes it. */

import { grams, wordsOf } from "./grams.ts";

/** The words of a picture's caption and of its references, joined by spaces. */
export interface CaptionPair {
  readonly candidate: string;
  readonly references: readonly string[];
}

/** BLEU-1 to BLEU-4 over all pictures and of each. */
export interface Bleu {
  readonly corpus: readonly number[];
  /** [n][picture]. */
  readonly perPicture: readonly (readonly number[])[];
}

const LONGEST = 4;
const TINY = 1e-15;
const SMALL = 1e-9;

/** Counts that the candidates of one or more pictures share with their references. */
interface Counts {
  length: number;
  reference: number;
  guesses: number[];
  correct: number[];
}

/** Clipped precisions with a brevity penalty by the closest length of a reference; of equally close lengths the shorter. */
export function bleu(pairs: readonly CaptionPair[]): Bleu {
  const counted = pairs.map(countsOf);
  const all: Counts = { length: 0, reference: 0, guesses: [0, 0, 0, 0], correct: [0, 0, 0, 0] };
  for (const { length, reference, guesses, correct } of counted) {
    all.length += length;
    all.reference += reference;
    for (let n = 0; n < LONGEST; n++) {
      all.guesses[n]! += guesses[n]!;
      all.correct[n]! += correct[n]!;
    }
  }
  const each = counted.map(scoresOf);
  return {
    corpus: scoresOf(all),
    perPicture: Array.from({ length: LONGEST }, (_, n) => each.map((scores) => scores[n]!)),
  };
}

function countsOf({ candidate, references }: CaptionPair): Counts {
  const words = wordsOf(candidate);
  const others = references.map(wordsOf);
  const limits = new Map<string, number>();
  for (const reference of others)
    for (const [gram, count] of grams(reference, LONGEST)) limits.set(gram, Math.max(count, limits.get(gram) ?? 0));
  const correct = [0, 0, 0, 0];
  for (const [gram, count] of grams(words, LONGEST))
    correct[gram.split(" ").length - 1]! += Math.min(count, limits.get(gram) ?? 0);
  const lengths = others.map((reference) => reference.length);
  const distance = (length: number) => Math.abs(length - words.length);
  const reference = lengths.reduce((best, length) => {
    const nearer = distance(length) - distance(best);
    return nearer < 0 || (nearer === 0 && length < best) ? length : best;
  });
  const guesses = Array.from({ length: LONGEST }, (_, n) => Math.max(0, words.length - n));
  return { length: words.length, reference, guesses, correct };
}

function scoresOf({ length, reference, guesses, correct }: Counts): number[] {
  const ratio = (length + TINY) / (reference + SMALL);
  const penalty = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  return guesses.map((guess, n) => {
    product *= (correct[n]! + TINY) / (guess + SMALL);
    return product ** (1 / (n + 1)) * penalty;
  });
}
