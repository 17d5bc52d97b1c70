/** The basic layers, with PyTorch's parameter names, layouts and initial values. */

import {
  add,
  convolution,
  deformableConvolution,
  embedding,
  groupNorm,
  layerNorm,
  matmul,
  type Pair,
  swapLast,
  type Tensor,
} from "../tensor/index.ts";
import { fanInUniform, type Initialiser, normal, ones, uniformWithin, zeros } from "./initialisers.ts";
import type { Scope } from "./scope.ts";

/** A function from one tensor to another; its parameters are declared when it is made. */
export type Layer = (x: Tensor) => Tensor;

/** Initial values of weight and bias. */
export interface LinearOptions {
  weight?: Initialiser;
  /** Initial values of the bias, or "none" for a product without bias. */
  bias?: Initialiser | "none";
}

/** x · weightᵀ + bias over the last axis. */
export function linear(s: Scope, inputs: number, outputs: number, options: LinearOptions = {}): Layer {
  const weight = s.parameter("weight", [outputs, inputs], options.weight ?? fanInUniform);
  if (options.bias === "none") return s.layer((x) => matmul(x, swapLast(weight)));
  const bias = s.parameter("bias", [outputs], options.bias ?? uniformWithin(1 / Math.sqrt(inputs)));
  return s.layer((x) => add(matmul(x, swapLast(weight)), bias));
}

/** Weight [outputs, inputs] and bias [outputs] of a linear layer, for computing it in another order. */
export function linearParameters(s: Scope, inputs: number, outputs: number, weight: Initialiser) {
  return { weight: s.parameter("weight", [outputs, inputs], weight), bias: s.parameter("bias", [outputs], zeros) };
}

/** Kernel, stride, padding and dilation in pixels, and initial values. */
export interface ConvolutionLayerOptions extends LinearOptions {
  kernel: number;
  stride?: number;
  padding?: number;
  dilation?: number;
}

/** Convolution of pictures [n,c,h,w] with a square kernel and a bias. */
export function convolutionLayer(s: Scope, inputs: number, outputs: number, options: ConvolutionLayerOptions): Layer {
  const { kernel, stride = 1, padding = 0, dilation = 1 } = options;
  const fanIn = inputs * kernel * kernel;
  const weight = s.parameter("weight", [outputs, inputs, kernel, kernel], options.weight ?? fanInUniform);
  const first = options.bias === "none" || !options.bias ? uniformWithin(1 / Math.sqrt(fanIn)) : options.bias;
  const bias = s.parameter("bias", [outputs], first);
  return s.layer((x) => convolution(x, weight, { bias, stride, padding, dilation }));
}

/** Modulated deformable 3×3 convolution with the initial values of the reference's `ModulatedDeformConv`. */
export function deformableLayer(s: Scope, channels: number, stride: number) {
  const weight = s.parameter("weight", [channels, channels, 3, 3], uniformWithin(1 / Math.sqrt(channels * 9)));
  const bias = s.parameter("bias", [channels], zeros);
  return s.layer((x: Tensor, offset: Tensor, mask: Tensor) =>
    deformableConvolution(x, offset, mask, weight, { bias, stride, padding: 1 }),
  );
}

/** Layer norm over the last axis. */
export function layerNormLayer(s: Scope, width: number, epsilon = 1e-5): Layer {
  const scale = s.parameter("weight", [width], ones);
  const shift = s.parameter("bias", [width], zeros);
  return s.layer((x) => layerNorm(x, scale, shift, epsilon));
}

/** Group norm over pictures [n,c,h,w]. */
export function groupNormLayer(s: Scope, channels: number, groups: number): Layer {
  const scale = s.parameter("weight", [channels], ones);
  const shift = s.parameter("bias", [channels], zeros);
  return s.layer((x) => groupNorm(x, groups, scale, shift));
}

/** A table of vectors. */
export function embeddingLayer(s: Scope, rows: number, width: number): { table: Tensor; look: Layer } {
  const table = s.parameter("weight", [rows, width], normal(0.02));
  return { table, look: s.layer((ids: Tensor) => embedding(table, ids)) };
}

/** Rows and columns of a picture [n,c,h,w]. */
export function extent(x: Tensor): Pair {
  return [x.shape[2]!, x.shape[3]!];
}
