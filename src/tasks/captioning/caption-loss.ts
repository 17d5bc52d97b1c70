/** The loss of captions: each word from those before it. */

import {
  add,
  divide,
  gatherAlong,
  logSoftmax,
  mean,
  multiply,
  reshape,
  slice,
  type Tensor,
  total,
} from "../../tensor/index.ts";

/** The share of the target that is spread over the whole vocabulary. */
export const LABEL_SMOOTHING = 0.1;

/**
 * Cross-entropy of logits [n,l,v] at each token with the next one, as far as there is one: mean over all such tokens of the batch. `ids` [n,l] (int64)
 * start with [CLS] and end with [SEP]; `mask` [n,l] is 1 for tokens and 0 for padding; `count` is the number of tokens that follow another, at least 1.
 */
export function captionLoss(
  logits: Tensor,
  { ids, mask, count }: { ids: Tensor; mask: Tensor; count: Tensor },
  smoothing = LABEL_SMOOTHING,
): Tensor {
  const [n, l] = ids.shape as readonly [number, number];
  const logs = logSoftmax(slice(logits, { axis: 1, end: l - 1 }));
  const next = reshape(slice(ids, { axis: 1, start: 1 }), [n, l - 1, 1]);
  const right = multiply(gatherAlong(logs, next, 2), 1 - smoothing);
  const score = add(right, multiply(mean(logs, [2]), smoothing)); // [n,l-1,1]
  const counted = reshape(slice(mask, { axis: 1, start: 1 }), [n, l - 1, 1]);
  return divide(multiply(total(multiply(score, counted)), -1), count);
}
