/**
 * The operations that graphs are made of, with their attributes. To add one, add a row here: the compiler then lists the
 * rows that are missing in the gradient table (`grad/rules.ts`) and the lowering table (`onnx/rows.ts`).
 */

import type { ElementType, Numbers, Shape } from "./tensor.ts";

/** Operations of one tensor, element by element. */
export type Unary =
  | "negate"
  | "exp"
  | "log"
  | "sqrt"
  | "erf"
  | "tanh"
  | "sigmoid"
  | "softplus"
  | "relu"
  | "abs"
  | "floor"
  | "not"
  | "gelu";
/** Operations of two tensors that broadcast. */
export type Binary = "add" | "subtract" | "multiply" | "divide" | "power" | "maximum" | "minimum";
/** Operations of two tensors whose result is bool. */
export type Comparison = "less" | "greater" | "equal";

/** The attributes of each operation. */
export interface Operations
  extends Record<Unary, None>,
    Record<Binary, None>,
    Record<Comparison, None>,
    Record<"sum" | "mean" | "max", { axes: readonly number[] }> {
  input: { name: string };
  parameter: { name: string };
  constant: { data: Numbers };
  /** Zeros and 1/(1-rate), random in each training run. */
  dropMask: { rate: number };
  /** Inputs: x, its factor. The identity outside training. */
  dropout: None;
  stopGradient: None;
  clamp: { min: number; max: number };
  /** Inputs: condition, then, else. */
  where: None;
  cast: { to: ElementType };
  matmul: None;
  /** Inputs: x [n,c,h,w], weight [out,c/groups,kh,kw], bias? [out]. */
  convolution: ConvolutionAttributes;
  /** Inputs: x [n,c,h,w], weight [c,out/groups,kh,kw], bias? [out]. */
  transposedConvolution: ConvolutionAttributes & { outputPadding: Pair };
  /** Inputs: x, offset [n,2·kh·kw,h',w'], mask [n,kh·kw,h',w'], weight [out,c/groups,kh,kw], bias [out]. */
  deformableConvolution: { stride: number; padding: number; groups: number };
  maxPool: PoolAttributes;
  /** Flat position of each maximum within its channel's h·w, int64. */
  maxPoolIndices: PoolAttributes;
  averagePool: PoolAttributes;
  pad: { before: Shape; after: Shape; value: number };
  slice: { starts: Shape; ends: Shape; steps: Shape; kept?: readonly number[] };
  concat: { axis: number };
  reshape: None;
  transpose: { order: readonly number[] };
  expand: None;
  /** Inputs: x, int64 indices of any shape, which replaces the axis. */
  gather: { axis: number };
  /** Inputs: x, int64 indices of the result's shape. */
  gatherAlong: { axis: number };
  /** Inputs: x, int64 indices [k], updates [k, ...rest of x]. Rows of x with the updates added. */
  scatterAddRows: None;
  /** Inputs: x, int64 indices, updates of the indices' shape. */
  scatterAddAlong: { axis: number };
  softmax: { axis: number };
  logSoftmax: { axis: number };
  /** Inputs: x, scale, shift; over the last axis. */
  layerNorm: { epsilon: number };
  /** Inputs: x [n,c,h,w], scale [c], shift [c]. */
  groupNorm: { groups: number; epsilon: number };
  resizeNearest: None;
  resizeLinear: { corners: "aligned" | "half-pixel" };
  /** Inputs: x [n,c,h,w], grid [n,h',w',2] of (x,y) in -1..1. */
  gridSample: { corners: "aligned" | "half-pixel" };
  /** Inputs: x [n,c,h,w], boxes [r,4] xyxy, int64 picture of each box [r]. */
  roiAlign: { size: Pair; scale: number; samplingRatio: number; aligned: boolean };
  /** Positions of the k largest (or smallest) along the last axis, best first, int64. */
  topK: { k: number; largest: boolean };
  /** Inputs: boxes [n,4] xyxy, scores [n]. Indices of the kept boxes, best first, padded with -1 to `limit`, int64. */
  nonMaximumSuppression: { overlap: number; limit: number };
}

/** The name of an operation. */
export type Operation = keyof Operations;
/** No attributes. */
export type None = Record<never, never>;
/** (rows, columns). */
export type Pair = readonly [number, number];
/** Rows and columns added before and after: (top, left, bottom, right). */
export type Padding = readonly [number, number, number, number];

/** Stride, padding and dilation in pixels. */
export interface ConvolutionAttributes {
  strides: Pair;
  padding: Padding;
  dilations: Pair;
  groups: number;
}

/** Window, stride and padding in pixels. */
export interface PoolAttributes {
  kernel: Pair;
  strides: Pair;
  padding: Padding;
}
