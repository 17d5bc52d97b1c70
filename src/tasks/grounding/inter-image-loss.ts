/** Contrast of regions with words over all pictures of a batch, in both directions (GLIPv2, section 3.2). */

import {
  add,
  cast,
  divide,
  exp,
  greater,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  multiply,
  negate,
  reshape,
  slice,
  stopGradient,
  subtract,
  sum,
  swapLast,
  type Tensor,
  total,
  where,
} from "../../tensor/index.ts";

/** What is compared: unit vectors of regions [r,k] and of words [c,k], first the batch's, then the bank's. */
export interface ContrastVectors {
  readonly regions: Tensor;
  readonly words: Tensor;
  /** What cosines are divided by [1]. */
  readonly temperature: Tensor;
}

export interface ContrastLossTargets {
  /** Weights of positives [r,c]. */
  readonly target: Tensor;
  /** 1 for pairs that do not count [r,c]. */
  readonly ignore: Tensor;
}

export interface ContrastLossOptions {
  /** How many regions and words are the batch's own; the others, of a bank, take part in the softmax alone. All unless told. */
  readonly own?: { readonly regions: number; readonly words: number };
  /** "mean": the mean logarithm over positives, as published; "sum": the logarithm of the positives' summed probability. */
  readonly positives?: "mean" | "sum";
}

const NEVER = -1e30;

/** The loss, its two sums before halving, and the number of regions that have a positive, by which it is divided. */
export function interImageLoss(
  vectors: ContrastVectors,
  { target, ignore }: ContrastLossTargets,
  options: ContrastLossOptions = {},
) {
  const cosines = matmul(vectors.regions, swapLast(vectors.words));
  return contrastOfLogits(divide(cosines, vectors.temperature), { target, ignore }, options);
}

/** The same of logits [r,c]. */
export function contrastOfLogits(
  logits: Tensor,
  { target, ignore }: ContrastLossTargets,
  { own, positives = "mean" }: ContrastLossOptions = {},
) {
  const [r, c] = logits.shape as readonly [number, number];
  const { regions = r, words = c } = own ?? {};
  const open = where(greater(ignore, 0), NEVER, logits);
  const rows = (x: Tensor) => slice(x, { axis: 0, end: regions });
  const columns = (x: Tensor) => swapLast(slice(x, { axis: 1, end: words }));
  const of = positives === "mean" ? meanOfPositives : sumOfPositives;
  const toWords = of(rows(open), rows(target));
  const toRegions = of(columns(open), columns(target));
  const count = maximum(total(cast(greater(sum(rows(target), [1]), 0), "float32")), 1);
  return { loss: divide(multiply(add(toWords, toRegions), 0.5), count), toWords, toRegions, count };
}

/** Cross-entropy with each row's targets, normalised; rows without positives count nothing. */
function meanOfPositives(logits: Tensor, target: Tensor): Tensor {
  const share = divide(target, maximum(sum(target, [1]), 1e-30));
  return negate(total(multiply(share, logSoftmax(logits))));
}

/** Minus the logarithm of each row's positives' probability, weighed. */
function sumOfPositives(logits: Tensor, target: Tensor): Tensor {
  const positive = greater(target, 0);
  const weighed = where(positive, add(logSoftmax(logits), log(maximum(target, 1e-38))), NEVER);
  const has = cast(greater(sum(target, [1]), 0), "float32");
  const top = stopGradient(max(weighed, [1]));
  const sums = add(log(sum(exp(subtract(weighed, top)), [1])), top);
  return negate(total(multiply(has, sums)));
}

/** Features of c columns [c,d] from text features [n,l,d] and the share of each of the n·l tokens in each column [c,n·l]. */
export function columnFeatures(text: Tensor, shares: Tensor): Tensor {
  const [n, l, d] = text.shape as readonly [number, number, number];
  return matmul(shares, reshape(text, [n * l, d]));
}
