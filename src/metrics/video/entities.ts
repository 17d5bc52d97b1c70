/**
 * Objects that the words of a caption name, in the form of ActivityNet-Entities: ten boxes for a word, one for each tenth of its segment.
 * Source: facebookresearch/ActivityNet-Entities `scripts/eval_grd_anet_entities.py`.
 */

import { inclusiveOverlap, type Xyxy } from "../../tracking/overlap.ts";

/** A word of a true sentence with its box in one of the ten frames. */
export interface TrueWord {
  /** Position in the sentence. */
  word: number;
  label: string;
  frame: number;
  box: Xyxy;
}

/** A word that was grounded: a box for each of the ten frames. */
export interface GroundedWord {
  word: number;
  label: string;
  boxes: readonly Xyxy[];
}

/** A segment with what is true of it; its words in the order of the annotation. */
export interface EntitySegment {
  words: readonly TrueWord[];
  /** All words of the true sentence. */
  tokens: readonly string[];
}

/** Hits and misses, class by class. */
export type Hits = Map<string, boolean[]>;

/** Whether each word of true sentences is found (overlap above 0.5 in an annotated frame). Words without a prediction are misses. */
export function localisationHits(
  segments: readonly { truth: EntitySegment; prediction: readonly Omit<GroundedWord, "label">[] }[],
): Hits {
  const hits: Hits = new Map();
  for (const { truth, prediction } of segments)
    for (const word of new Set(truth.words.map((one) => one.word))) {
      const own = truth.words.filter((one) => one.word === word);
      const found = prediction.find((one) => one.word === word);
      record(hits, own[0]!.label, found !== undefined && finds(found.boxes, own));
    }
  return hits;
}

/** Mean over classes of the share of hits. */
export function accuracyOverClasses(hits: Hits): number {
  return hits.size ? sumOfShares(hits) / hits.size : 0;
}

/** Precision, recall and F1 by class (means over classes) and by sentence (means over sentences). */
export interface GroundingScores {
  precisionPerClass: number;
  recallPerClass: number;
  f1PerClass: number;
  precisionPerSentence: number;
  recallPerSentence: number;
  f1PerSentence: number;
  hitsOfPrecision: Hits;
  hitsOfRecall: Hits;
}

/**
 * How well the words of generated sentences are grounded. `all`: wrong and missing words count as misses; `loc`: only words that are
 * in both sentences count. Words of a segment without a prediction are missed in both, and it is
 * no sentence; nor is, for `loc`, one without common words. `lemmaOf` gives the class that a word of a true sentence would have.
 */
export function groundingScores(
  segments: readonly { truth: EntitySegment; prediction?: readonly GroundedWord[] | undefined }[],
  mode: "all" | "loc",
  lemmaOf: (token: string) => string,
): GroundingScores {
  const hitsOfPrecision: Hits = new Map();
  const hitsOfRecall: Hits = new Map();
  const classes = new Set<string>();
  let [sentences, precision, recall, f1] = [0, 0, 0, 0];
  for (const { truth, prediction } of segments) {
    for (const { label } of truth.words) classes.add(label);
    if (!prediction) {
      for (const [label] of recalledHits(truth, [], "all")) record(hitsOfRecall, label, false);
      continue;
    }
    if (!truth.words.length) continue;
    const found = predictedHits(truth, prediction, mode, lemmaOf);
    const recalled = recalledHits(truth, prediction, mode);
    for (const [label, hit] of found) record(hitsOfPrecision, label, hit);
    for (const [label, hit] of recalled) record(hitsOfRecall, label, hit);
    if (mode === "loc" && !found.length) continue;
    sentences++;
    const [p, r] = [shareOf(found), shareOf(recalled)];
    precision += p;
    recall += r;
    f1 += harmonic(p, r);
  }
  const perClass = (hits: Hits) => (classes.size ? sumOfShares(hits) / classes.size : 0);
  const mean = (sum: number) => (sentences ? sum / sentences : 0);
  return {
    precisionPerClass: perClass(hitsOfPrecision),
    recallPerClass: perClass(hitsOfRecall),
    f1PerClass: harmonic(perClass(hitsOfPrecision), perClass(hitsOfRecall)),
    precisionPerSentence: mean(precision),
    recallPerSentence: mean(recall),
    f1PerSentence: mean(f1),
    hitsOfPrecision,
    hitsOfRecall,
  };
}

/** Each predicted word: a hit where its boxes find the first true word of its class. */
function predictedHits(
  { words, tokens }: EntitySegment,
  prediction: readonly GroundedWord[],
  mode: "all" | "loc",
  lemmaOf: (token: string) => string,
): [label: string, hit: boolean][] {
  const named = new Set(tokens.map(lemmaOf));
  return prediction.flatMap(({ label, boxes }): [string, boolean][] => {
    const own = firstOfClass(words, label);
    if (own.length) return [[label, finds(boxes, own)]];
    return mode === "loc" || named.has(label) ? [] : [[label, false]];
  });
}

/** Each true word: a hit where a predicted word of its class finds it. */
function recalledHits(
  { words }: EntitySegment,
  prediction: readonly GroundedWord[],
  mode: "all" | "loc",
): [label: string, hit: boolean][] {
  return [...new Set(words.map(({ word }) => word))].flatMap((word): [string, boolean][] => {
    const own = words.filter((one) => one.word === word);
    const { label } = own[0]!;
    const found = prediction.find((one) => one.label === label);
    if (found) return [[label, finds(found.boxes, own)]];
    return mode === "loc" ? [] : [[label, false]];
  });
}

/** The boxes of the first true word of a class. */
function firstOfClass(words: readonly TrueWord[], label: string): TrueWord[] {
  const first = words.find((one) => one.label === label)?.word;
  return words.filter(({ word }) => word === first);
}

function finds(boxes: readonly Xyxy[], truth: readonly TrueWord[]): boolean {
  return truth.some(({ frame, box }) => {
    const found = boxes[frame];
    return found !== undefined && inclusiveOverlap(found, box) > 0.5;
  });
}

function record(hits: Hits, label: string, hit: boolean): void {
  hits.set(label, [...(hits.get(label) ?? []), hit]);
}

function shareOf(hits: readonly [string, boolean][]): number {
  return hits.length ? hits.filter(([, hit]) => hit).length / hits.length : 0;
}

function sumOfShares(hits: Hits): number {
  let sum = 0;
  for (const values of hits.values()) sum += values.filter(Boolean).length / values.length;
  return sum;
}

function harmonic(a: number, b: number): number {
  return a + b > 0 ? (2 * a * b) / (a + b) : 0;
}
