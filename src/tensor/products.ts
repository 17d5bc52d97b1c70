/** Matrix products, convolutions and pooling. Pictures are [n,c,h,w]. */

import { ShapeError } from "../errors.ts";
import { broadcastShapes, sameType } from "./arithmetic.ts";
import type { ConvolutionAttributes, None, Padding, Pair, PoolAttributes } from "./operations.ts";
import { currentScope } from "./scope.ts";
import { type Shape, Tensor } from "./tensor.ts";

const none: None = {};

/** Products of the matrices in the last two axes; the other axes broadcast. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const shapes = [a.shape, b.shape];
  const inner = a.shape.at(-1);
  if (a.rank < 2 || b.rank < 2) throw new ShapeError("matmul", "needs at least two axes each", shapes, currentScope());
  if (inner !== b.shape.at(-2))
    throw new ShapeError("matmul", `inner sizes ${inner} and ${b.shape.at(-2)} differ`, shapes, currentScope());
  const batch = broadcastShapes("matmul", [a.shape.slice(0, -2), b.shape.slice(0, -2)], shapes);
  return new Tensor("matmul", [a, b], none, [...batch, a.shape.at(-2)!, b.shape.at(-1)!], sameType("matmul", [a, b]));
}

/** Stride, padding and dilation in pixels, and groups of channels. */
export interface ConvolutionOptions {
  bias?: Tensor;
  stride?: number | Pair;
  /** Padding with zeros: on all sides, or (rows, columns), or (top, left, bottom, right). */
  padding?: number | Pair | Padding;
  dilation?: number | Pair;
  groups?: number;
}

/** Cross-correlation of x [n,c,h,w] with weight [out, c/groups, kh, kw]. */
export function convolution(x: Tensor, weight: Tensor, options: ConvolutionOptions = {}): Tensor {
  const shapes = [x.shape, weight.shape, ...(options.bias ? [options.bias.shape] : [])];
  const attributes = convolutionAttributes(options);
  const [n, c] = picture("convolution", x, shapes);
  const [out, per, kh, kw] = picture("convolution", weight, shapes);
  const { groups } = attributes;
  if (per * groups !== c || out % groups !== 0)
    throw new ShapeError(
      "convolution",
      `${c} channels do not match a weight for ${per} x ${groups} groups`,
      shapes,
      currentScope(),
    );
  checkBias("convolution", options.bias, out, shapes);
  const [rows, columns] = windowCounts("convolution", x.shape, [kh, kw], attributes, shapes);
  const inputs = options.bias ? [x, weight, options.bias] : [x, weight];
  return new Tensor("convolution", inputs, attributes, [n, out, rows, columns], sameType("convolution", inputs));
}

function checkBias(operation: string, bias: Tensor | undefined, out: number, shapes: readonly Shape[]): void {
  if (bias && (bias.rank !== 1 || bias.shape[0] !== out))
    throw new ShapeError(operation, `the bias is not [${out}]`, shapes, currentScope());
}

/** The gradient of a convolution with respect to its picture: x [n,c,h,w] with weight [c, out/groups, kh, kw]. */
export function transposedConvolution(
  x: Tensor,
  weight: Tensor,
  options: ConvolutionOptions & { outputPadding?: Pair } = {},
): Tensor {
  const shapes = [x.shape, weight.shape, ...(options.bias ? [options.bias.shape] : [])];
  const attributes = { ...convolutionAttributes(options), outputPadding: options.outputPadding ?? ([0, 0] as const) };
  const [n, c, h, w] = picture("transposedConvolution", x, shapes);
  const [from, per, kh, kw] = picture("transposedConvolution", weight, shapes);
  if (from !== c)
    throw new ShapeError(
      "transposedConvolution",
      `${c} channels do not match a weight for ${from}`,
      shapes,
      currentScope(),
    );
  const { strides, dilations, padding, outputPadding, groups } = attributes;
  checkBias("transposedConvolution", options.bias, per * groups, shapes);
  const rows = (h - 1) * strides[0] + dilations[0] * (kh - 1) + 1 - padding[0] - padding[2] + outputPadding[0];
  const columns = (w - 1) * strides[1] + dilations[1] * (kw - 1) + 1 - padding[1] - padding[3] + outputPadding[1];
  const inputs = options.bias ? [x, weight, options.bias] : [x, weight];
  return new Tensor(
    "transposedConvolution",
    inputs,
    attributes,
    [n, per * groups, rows, columns],
    sameType("transposedConvolution", inputs),
  );
}

/** Window, stride and padding in pixels. */
export interface PoolOptions {
  kernel: number | Pair;
  stride?: number | Pair;
  padding?: number | Pair | Padding;
}

/** The maximum of each window of x [n,c,h,w]. */
export function maxPool(x: Tensor, options: PoolOptions): Tensor {
  const attributes = poolAttributes(options);
  return new Tensor("maxPool", [x], attributes, pooledShape("maxPool", x, attributes), x.type);
}

/** Mean over each window; padded zeros count, as in PyTorch's default. */
export function averagePool(x: Tensor, options: PoolOptions): Tensor {
  const attributes = poolAttributes(options);
  return new Tensor("averagePool", [x], attributes, pooledShape("averagePool", x, attributes), x.type);
}

/** Position of each maximum in its channel (row · w + column), int64; no gradient. */
export function maxPoolIndices(x: Tensor, attributes: PoolAttributes): Tensor {
  return new Tensor("maxPoolIndices", [x], attributes, pooledShape("maxPoolIndices", x, attributes), "int64");
}

function pooledShape(operation: string, x: Tensor, attributes: PoolAttributes): number[] {
  const [n, c] = picture(operation, x, [x.shape]);
  if (attributes.padding.some((p, side) => p >= attributes.kernel[(side % 2) as 0 | 1]))
    throw new ShapeError(operation, "the padding is not below the kernel", [x.shape], currentScope());
  return [
    n,
    c,
    ...windowCounts(operation, x.shape, attributes.kernel, { ...attributes, dilations: [1, 1] }, [x.shape]),
  ];
}

function poolAttributes(options: PoolOptions): PoolAttributes {
  const kernel = pairOf(options.kernel);
  return { kernel, strides: pairOf(options.stride ?? kernel), padding: paddingOf(options.padding ?? 0) };
}

function convolutionAttributes(options: ConvolutionOptions): ConvolutionAttributes {
  return {
    strides: pairOf(options.stride ?? 1),
    padding: paddingOf(options.padding ?? 0),
    dilations: pairOf(options.dilation ?? 1),
    groups: options.groups ?? 1,
  };
}

function windowCounts(
  operation: string,
  [, , h, w]: Shape,
  kernel: Pair,
  { strides, padding, dilations }: { strides: Pair; padding: Padding; dilations: Pair },
  shapes: readonly Shape[],
): [number, number] {
  const windows = (size: number, axis: 0 | 1) => {
    const room = size + padding[axis] + padding[axis + 2]! - dilations[axis] * (kernel[axis] - 1) - 1;
    if (room < 0)
      throw new ShapeError(
        operation,
        `${kernel.join(" x ")} windows are larger than the padded picture`,
        shapes,
        currentScope(),
      );
    return Math.floor(room / strides[axis]) + 1;
  };
  return [windows(h!, 0), windows(w!, 1)];
}

/** The four sizes of a picture or of a convolution's weight. */
export function picture(
  operation: string,
  x: Tensor,
  shapes: readonly (readonly number[])[],
): [number, number, number, number] {
  const [n, c, h, w] = x.shape;
  if (x.rank !== 4 || n === undefined || c === undefined || h === undefined || w === undefined)
    throw new ShapeError(operation, "needs four axes", shapes, currentScope());
  return [n, c, h, w];
}

function pairOf(value: number | Pair): Pair {
  return typeof value === "number" ? [value, value] : value;
}

function paddingOf(value: number | Pair | Padding): Padding {
  if (typeof value === "number") return [value, value, value, value];
  return value.length === 4 ? value : [value[0], value[1], value[0], value[1]];
}
