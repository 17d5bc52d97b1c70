/** Greedy suppression of boxes that overlap a better one. */
import { overlapInclusive, overlapPlain } from "./overlap.ts";

/**
 * Suppression within each label: a box is dropped if a better box of the same label overlaps it by more than `threshold` (inclusive ends).
 * Boxes xyxy [n, 4], scores and labels [n]; returns the kept indices in ascending order. Of equal scores, the earlier is better. Source:
 * GLIP `csrc/cuda/ml_nms.cu`.
 */
export function suppressByLabel(
  boxes: Float32Array,
  scores: Float32Array,
  labels: Int32Array,
  threshold: number,
): Int32Array {
  const byLabel = new Map<number, number[]>();
  for (const index of descending(scores)) {
    const label = labels[index]!;
    const group = byLabel.get(label);
    if (group) group.push(index);
    else byLabel.set(label, [index]);
  }
  const kept = [...byLabel.values()].flatMap((order) => greedy(boxes, order, threshold, overlapInclusive));
  return Int32Array.from(kept).sort();
}

/** Suppression over all boxes xyxy [n, 4] with exclusive ends, as `torchvision.ops.nms`: returns the kept indices, best first. */
export function suppress(boxes: Float32Array, scores: Float32Array, threshold: number): Int32Array {
  return Int32Array.from(greedy(boxes, descending(scores), threshold, overlapPlain));
}

/** Indices of `values` from the largest to the smallest; equal values keep their order. */
export function descending(values: Float32Array): Int32Array {
  return Int32Array.from(values.keys()).sort((a, b) => values[b]! - values[a]! || a - b);
}

function greedy(
  boxes: Float32Array,
  order: ArrayLike<number>,
  threshold: number,
  overlap: typeof overlapPlain,
): number[] {
  const limit = Math.fround(threshold);
  const kept: number[] = [];
  for (let k = 0; k < order.length; k++) {
    const index = order[k]!;
    if (!kept.some((better) => overlap(boxes, better, boxes, index) > limit)) kept.push(index);
  }
  return kept;
}
