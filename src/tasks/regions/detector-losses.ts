/** The losses of a detector with RegionCLIP's head (`modeling/roi_heads/fast_rcnn.py` and `mask_head.py`). */

import {
  abs,
  divide,
  exp,
  gather,
  gatherAlong,
  logSoftmax,
  mean,
  multiply,
  negate,
  power,
  reshape,
  softplus,
  subtract,
  sum,
  type Tensor,
  total,
} from "../../tensor/index.ts";

/** The weighting of the cross-entropy of classes. */
export interface ClassLossOptions {
  /** Exponent of 1 - p, which reduces the weight of easy regions; the sum is then divided by the number of regions, otherwise by the sum of their weights. */
  readonly gamma?: number;
}

/** Cross-entropy of regions' logits [r,k+1] with their classes [r] (int64; k is the background) and weights [r]. */
export function classLoss(logits: Tensor, classes: Tensor, weights: Tensor, { gamma }: ClassLossOptions = {}): Tensor {
  const regions = logits.shape[0]!;
  const own = reshape(gatherAlong(logSoftmax(logits), reshape(classes, [regions, 1]), 1), [regions]);
  const plain = multiply(weights, negate(own));
  if (gamma === undefined) return reshape(divide(sum(plain), sum(weights)), []);
  return reshape(mean(multiply(plain, power(subtract(1, exp(own)), gamma))), []);
}

/**
 * L1 distance of the foreground regions' offsets [r,4] (`shown` [f], int64) from their targets [f,4], divided by the number of all regions.
 * With boxes per class, the offsets are [r·k,4] and `shown` indexes these.
 */
export function boxLoss(offsets: Tensor, shown: Tensor, wanted: Tensor, regions: number): Tensor {
  const own = gather(reshape(offsets, [-1, 4]), shown);
  return divide(total(abs(subtract(own, wanted))), Math.max(regions, 1));
}

/** Cross-entropy of mask logits [f,m,m] with masks of 0 and 1 [f,m,m]. */
export function maskLoss(logits: Tensor, masks: Tensor): Tensor {
  return reshape(mean(subtract(softplus(logits), multiply(logits, masks))), []);
}
