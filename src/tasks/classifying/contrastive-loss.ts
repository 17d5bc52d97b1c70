/** CLIP's loss: each picture is told from all texts of a batch, and each text from all pictures (Radford et al. 2021, figure 3). */

import {
  add,
  gatherAlong,
  indices,
  logSoftmax,
  mean,
  multiply,
  negate,
  reshape,
  type Tensor,
  transpose,
} from "../../tensor/index.ts";

/** Most that the learned scale of logits may be, after the paper's section 2.5. */
export const LARGEST_SCALE = 100;

/** Logits [n,n] of pictures and texts, the pair of each on the diagonal, to the mean cross-entropy of rows and columns. */
export function contrastiveLoss(logits: Tensor): Tensor {
  const columns = transpose(logits, [1, 0]);
  return multiply(add(crossEntropyOfPairs(logits), crossEntropyOfPairs(columns)), 0.5);
}

/** Holds the learned scale, the exponential of `logit_scale`, at most at 100; to be called after each step of the optimizer. */
export function limitLogitScale(weights: ReadonlyMap<string, Float32Array>, name = "logit_scale"): void {
  const scale = weights.get(name);
  if (scale) scale[0] = Math.min(scale[0]!, Math.log(LARGEST_SCALE));
}

function crossEntropyOfPairs(logits: Tensor): Tensor {
  const n = logits.shape[0]!;
  const own = indices(
    Array.from({ length: n }, (_, i) => i),
    [n, 1],
  );
  return negate(reshape(mean(gatherAlong(logSoftmax(logits), own, 1)), []));
}
