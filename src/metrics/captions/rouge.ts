/** ROUGE-L (Lin 2004) as tylin/coco-caption's `rouge.py` computes it. */

import type { CaptionPair } from "./bleu.ts";

const BETA = 1.2;

/**
 * The F-measure of the longest common run of words of each picture, with precision and recall each the largest over the references. Words are split at
 * single spaces, so an empty caption is one empty word.
 */
export function rougeL(pairs: readonly CaptionPair[]): number[] {
  return pairs.map(({ candidate, references }) => {
    const words = candidate.split(" ");
    let [precision, recall] = [0, 0];
    for (const reference of references) {
      const others = reference.split(" ");
      const common = commonLength(words, others);
      precision = Math.max(precision, common / words.length);
      recall = Math.max(recall, common / others.length);
    }
    if (precision === 0 || recall === 0) return 0;
    return ((1 + BETA ** 2) * precision * recall) / (recall + BETA ** 2 * precision);
  });
}

/** Length of the longest common subsequence. */
function commonLength(a: readonly string[], b: readonly string[]): number {
  let row = new Int32Array(b.length + 1);
  for (const word of a) {
    const next = new Int32Array(b.length + 1);
    b.forEach((other, j) => {
      next[j + 1] = word === other ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!);
    });
    row = next;
  }
  return row[b.length]!;
}
