/** CLIP's contrastive loss between the pictures and texts of a batch (Radford et al. 2021, figure 3). */

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

/** Upper limit of the learned scale of logits (section 2.5 of the paper). */
const LARGEST_SCALE = 100;

/** The mean cross-entropy of rows and columns of the logits [n,n] of pictures and texts; matching pairs are on the diagonal. */
export function contrastiveLoss(logits: Tensor): Tensor {
  const columns = transpose(logits, [1, 0]);
  return multiply(add(crossEntropyOfPairs(logits), crossEntropyOfPairs(columns)), 0.5);
}

/** Limits the learned scale, the exponential of `logit_scale`, to 100. Call it after each step of the optimizer. */
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
