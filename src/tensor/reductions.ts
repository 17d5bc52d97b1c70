/** Sums, means, maxima, softmax and indices of the best elements. */

import { ShapeError } from "../errors.ts";
import { axisOf, reshape } from "./layout.ts";
import { currentScope } from "./scope.ts";
import { Tensor } from "./tensor.ts";

function reduction(operation: "sum" | "mean" | "max") {
  /** Over the given axes (default: all); reduced axes keep size 1. */
  return (x: Tensor, axes: readonly number[] = x.shape.map((_, axis) => axis)): Tensor => {
    const at = axes.map((axis) => axisOf(x, axis, operation)).sort((a, b) => a - b);
    if (at.length === 0) return x;
    return new Tensor(
      operation,
      [x],
      { axes: at },
      x.shape.map((size, axis) => (at.includes(axis) ? 1 : size)),
      x.type,
    );
  };
}

/** The sum along axes. */
export const sum = reduction("sum");
/** The mean along axes. */
export const mean = reduction("mean");
/** The maximum along axes. */
export const max = reduction("max");

/** The sum of all elements, as a scalar. */
export function total(x: Tensor): Tensor {
  return reshape(sum(x), []);
}

/** Softmax along an axis (default: the last). */
export function softmax(x: Tensor, axis = -1): Tensor {
  return new Tensor("softmax", [x], { axis: axisOf(x, axis, "softmax") }, x.shape, x.type);
}

/** Logarithm of the softmax along an axis (default: the last). */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return new Tensor("logSoftmax", [x], { axis: axisOf(x, axis, "logSoftmax") }, x.shape, x.type);
}

/** Indices (int64) of the k best along the last axis, best first; of equal values, the earlier first. No gradient. */
export function topK(x: Tensor, k: number, order: "largest" | "smallest" = "largest"): Tensor {
  const size = x.shape.at(-1) ?? 0;
  if (k < 1 || k > size) throw new ShapeError("topK", `k is ${k} of ${size}`, [x.shape], currentScope());
  return new Tensor("topK", [x], { k, largest: order === "largest" }, [...x.shape.slice(0, -1), k], "int64");
}

/**
 * Greedy suppression of boxes [n,4] xyxy by scores [n]: indices (int64) of at most `limit` kept boxes, best first, padded with -1. Overlaps
 * have exclusive ends; boxes strictly above `overlap` are suppressed. No gradient.
 */
export function nonMaximumSuppression(boxes: Tensor, scores: Tensor, overlap: number, limit: number): Tensor {
  if (boxes.rank !== 2 || boxes.shape[1] !== 4 || scores.rank !== 1 || scores.shape[0] !== boxes.shape[0])
    throw new ShapeError(
      "nonMaximumSuppression",
      "needs boxes [n,4] and scores [n]",
      [boxes.shape, scores.shape],
      currentScope(),
    );
  return new Tensor("nonMaximumSuppression", [boxes, scores], { overlap, limit }, [limit], "int64");
}
