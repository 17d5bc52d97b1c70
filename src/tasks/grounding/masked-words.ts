/** Masked words (GLIPv2, section 3.2; GLIP `modeling/detector/generalized_vl_rcnn.py`, random_word). */

import { gather, gatherAlong, logSoftmax, multiply, negate, reshape, type Tensor, total } from "../../tensor/index.ts";

/** Texts [n,l] as they are before words are masked, and numbers drawn for each position. */
export interface WordDraws {
  readonly ids: ArrayLike<number>;
  /** 1 for tokens, 0 for padding. */
  readonly mask: ArrayLike<number>;
  /** Uniform in 0 to 1. */
  readonly draws: ArrayLike<number>;
  /** Random words. */
  readonly replacements: ArrayLike<number>;
  /** 1: counts; 0: may be masked, does not count; −1: is not masked. All count unless told. */
  readonly counts?: ArrayLike<number>;
}

export interface MaskingOptions {
  /** The id that stands for a masked word. */
  readonly maskId: number;
  /** Ids that are never touched. */
  readonly special: ReadonlySet<number>;
  readonly rate?: number;
}

/** Masked texts. */
export interface MaskedWords {
  readonly ids: Int32Array;
  /** The original word where it counts in the loss, else −100. */
  readonly labels: Int32Array;
  /** 1 where a word was chosen, whether it was changed or not. */
  readonly chosen: Uint8Array;
}

const RATE = 0.15;
/** Of the chosen words: shares up to which they are masked, or replaced. */
const MASKED = 0.8;
const REPLACED = 0.9;
export const NOT_COUNTED = -100;

/** Chooses 15 % of the words; of these 80 % are masked, 10 % replaced, 10 % stay. */
export function maskWords(
  { ids, mask, draws, replacements, counts }: WordDraws,
  { maskId, special, rate = RATE }: MaskingOptions,
): MaskedWords {
  const masked = Int32Array.from(ids);
  const labels = new Int32Array(ids.length).fill(NOT_COUNTED);
  const chosen = new Uint8Array(ids.length);
  for (let i = 0; i < ids.length; i++) {
    const word = ids[i]!;
    if (!(draws[i]! < rate) || mask[i] === 0 || special.has(word) || counts?.[i] === -1) continue;
    chosen[i] = 1;
    const part = draws[i]! / rate;
    if (part < MASKED) masked[i] = maskId;
    else if (part < REPLACED) masked[i] = replacements[i]!;
    if (!counts || counts[i] === 1) labels[i] = word;
  }
  return { ids: masked, labels, chosen };
}

/** The positions [m] that count, their words and their weights, which add up to 1; one position of weight 0 if none counts. */
export function countedWords(labels: ArrayLike<number>) {
  const at = Array.from(labels).flatMap((label, i) => (label === NOT_COUNTED ? [] : [i]));
  const positions = at.length > 0 ? at : [0];
  const weight = at.length > 0 ? 1 / at.length : 0;
  return {
    positions: BigInt64Array.from(positions, BigInt),
    words: BigInt64Array.from(positions, (i) => BigInt(Math.max(labels[i]!, 0))),
    weights: new Float32Array(positions.length).fill(weight),
  };
}

/** Vectors [m,d] of fused words [n,l,d] at positions [m] (int64), counted over all texts. */
export function wordsAt(fused: Tensor, positions: Tensor): Tensor {
  return gather(reshape(fused, [-1, fused.shape[2]!]), positions);
}

/** Cross-entropy of logits [m,v] with words [m] (int64), summed by weights [m]. */
export function maskedWordLoss(logits: Tensor, words: Tensor, weights: Tensor): Tensor {
  const m = words.shape[0]!;
  const own = reshape(gatherAlong(logSoftmax(logits), reshape(words, [m, 1]), 1), [m]);
  return negate(total(multiply(own, weights)));
}
