/** Rearranging elements: reshape, transpose, slice, concat, split, pad, expand, roll. */

import { ShapeError } from "../errors.ts";
import { broadcastShapes, sameType } from "./arithmetic.ts";
import type { None } from "./operations.ts";
import { currentScope } from "./scope.ts";
import { countOf, type Shape, Tensor } from "./tensor.ts";

const none: None = {};

/** A negative axis counts from the end. */
export function axisOf(x: Tensor, axis: number, operation: string): number {
  const at = axis < 0 ? axis + x.rank : axis;
  if (!Number.isInteger(at) || at < 0 || at >= x.rank)
    throw new ShapeError(operation, `there is no axis ${axis}`, [x.shape], currentScope());
  return at;
}

/** The same elements in row-major order under another shape; one size may be -1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const full = shape.map((size) => (size === -1 ? x.count / known : size));
  const fits = full.every((size) => Number.isInteger(size) && size >= 0) && countOf(full) === x.count;
  if (!fits || shape.filter((size) => size === -1).length > 1)
    throw new ShapeError("reshape", `${x.count} elements do not fill [${shape.join(", ")}]`, [x.shape], currentScope());
  return sameShape(full, x.shape) ? x : new Tensor("reshape", [x], none, full, x.type);
}

/** Axes in another order: axis i of the result is axis order[i] of x. */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  if (order.length !== x.rank || new Set(order).size !== x.rank || order.some((axis) => x.shape[axis] === undefined))
    throw new ShapeError("transpose", `[${order.join(", ")}] does not order the axes`, [x.shape], currentScope());
  if (order.every((axis, i) => axis === i)) return x;
  return new Tensor(
    "transpose",
    [x],
    { order },
    order.map((axis) => x.shape[axis]!),
    x.type,
  );
}

/** Swaps the last two axes. */
export function swapLast(x: Tensor): Tensor {
  if (x.rank < 2) throw new ShapeError("swapLast", "needs at least two axes", [x.shape], currentScope());
  const order = x.shape.map((_, axis) => axis);
  return transpose(x, [...order.slice(0, -2), x.rank - 1, x.rank - 2]);
}

/** The range along one axis. */
export interface SliceRange {
  axis: number;
  start?: number;
  /** Exclusive; negative counts from the end. */
  end?: number;
  step?: number;
  /** Written even if it changes nothing, so that traces of all sizes have the same structure. */
  kept?: boolean;
}

/** Every step-th element from start to end, along the given axes. Steps are positive. */
export function slice(x: Tensor, ...ranges: readonly SliceRange[]): Tensor {
  const starts = x.shape.map(() => 0);
  const ends = [...x.shape];
  const steps = x.shape.map(() => 1);
  for (const range of ranges) {
    const axis = axisOf(x, range.axis, "slice");
    const size = x.shape[axis]!;
    const place = (at: number) => Math.min(Math.max(at < 0 ? at + size : at, 0), size);
    const { start = 0, end = size, step = 1 } = range;
    if (!Number.isInteger(step) || step < 1)
      throw new ShapeError("slice", `step ${step} is not a whole number above 0`, [x.shape], currentScope());
    if (place(end) < place(start))
      throw new ShapeError("slice", `the range from ${start} to ${end} is empty`, [x.shape], currentScope());
    starts[axis] = place(start);
    ends[axis] = place(end);
    steps[axis] = step;
  }
  const shape = starts.map((start, axis) => Math.ceil((ends[axis]! - start) / steps[axis]!));
  const kept = ranges.filter((range) => range.kept).map(({ axis }) => axisOf(x, axis, "slice"));
  return new Tensor("slice", [x], { starts, ends, steps, ...(kept.length > 0 ? { kept } : {}) }, shape, x.type);
}

/** Concatenates tensors along an axis. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0];
  const shapes = parts.map((part) => part.shape);
  if (!first) throw new ShapeError("concat", "no tensors are given", [], currentScope());
  const at = axisOf(first, axis, "concat");
  for (const part of parts)
    if (part.rank !== first.rank || part.shape.some((s, i) => i !== at && s !== first.shape[i]))
      throw new ShapeError("concat", `sizes differ outside axis ${axis}`, shapes, currentScope());
  const type = sameType("concat", parts);
  if (parts.length === 1) return first;
  const shape = first.shape.map((size, i) => (i === at ? parts.reduce((sum, part) => sum + part.shape[at]!, 0) : size));
  return new Tensor("concat", parts, { axis: at }, shape, type);
}

/** Splits into consecutive pieces of the given sizes. */
export function split(x: Tensor, sizes: readonly number[], axis: number): Tensor[] {
  const at = axisOf(x, axis, "split");
  if (sizes.reduce((sum, size) => sum + size, 0) !== x.shape[at])
    throw new ShapeError(
      "split",
      `sizes ${sizes.join(" + ")} do not add up along axis ${axis}`,
      [x.shape],
      currentScope(),
    );
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return slice(x, { axis: at, start: start - size, end: start });
  });
}

/** Adds constant elements before and after along each axis. */
export function pad(x: Tensor, before: Shape, after: Shape, value = 0): Tensor {
  if (
    before.length !== x.rank ||
    after.length !== x.rank ||
    [...before, ...after].some((n) => !Number.isInteger(n) || n < 0)
  )
    throw new ShapeError(
      "pad",
      `needs ${x.rank} sizes of at least 0 before and after`,
      [x.shape, before, after],
      currentScope(),
    );
  const shape = x.shape.map((size, axis) => before[axis]! + size + after[axis]!);
  return new Tensor("pad", [x], { before, after, value }, shape, x.type);
}

/** Repeats axes of size 1 to the given shape. */
export function expand(x: Tensor, shape: Shape): Tensor {
  if (!sameShape(broadcastShapes("expand", [x.shape, shape]), shape))
    throw new ShapeError("expand", `cannot be expanded to [${shape.join(", ")}]`, [x.shape], currentScope());
  return sameShape(x.shape, shape) ? x : new Tensor("expand", [x], none, shape, x.type);
}

/** Moves elements along an axis; those moved beyond the end come in at the start. A negative distance moves backwards. */
export function roll(x: Tensor, distance: number, axis: number): Tensor {
  const size = x.shape[axisOf(x, axis, "roll")]!;
  const cut = (((-distance % size) + size) % size) as number;
  return concat([slice(x, { axis, start: cut }), slice(x, { axis, end: cut })], axis);
}

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
