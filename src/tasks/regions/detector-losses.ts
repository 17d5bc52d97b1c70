/** What a detector with RegionCLIP's head learns from boxes (`modeling/roi_heads/fast_rcnn.py` and `mask_head.py`). */

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

/** How the cross-entropy of classes is weighed. */
export interface ClassLossOptions {
  /** Exponent of 1 - p, which turns easy regions down; the sum is then divided by the number of regions, else by that of their weights. */
  readonly gamma?: number;
}

/** Cross-entropy of regions' logits [r,k+1] with their classes [r] (int64; k is the background), each region weighed [r]. */
export function classLoss(logits: Tensor, classes: Tensor, weights: Tensor, { gamma }: ClassLossOptions = {}): Tensor {
  const regions = logits.shape[0]!;
  const own = reshape(gatherAlong(logSoftmax(logits), reshape(classes, [regions, 1]), 1), [regions]);
  const plain = multiply(weights, negate(own));
  if (gamma === undefined) return reshape(divide(sum(plain), sum(weights)), []);
  return reshape(mean(multiply(plain, power(subtract(1, exp(own)), gamma))), []);
}

/**
 * Distance of the offsets [r,4] of the regions that show things (`shown` [f], int64) from the wanted ones [f,4], over the number of all regions. For boxes
 * of each class the offsets are [r·k,4] and `shown` counts in these.
 */
export function boxLoss(offsets: Tensor, shown: Tensor, wanted: Tensor, regions: number): Tensor {
  const own = gather(reshape(offsets, [-1, 4]), shown);
  return divide(total(abs(subtract(own, wanted))), Math.max(regions, 1));
}

/** Cross-entropy of mask logits [f,m,m] with masks of 0 and 1 [f,m,m]. */
export function maskLoss(logits: Tensor, masks: Tensor): Tensor {
  return reshape(mean(subtract(softplus(logits), multiply(logits, masks))), []);
}
