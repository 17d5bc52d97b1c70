/** Weights of matrix products in 8 bits: each block along the summed axis has a scale of its own. */

import type { Tensor } from "../tensor/index.ts";

/** How a weight lies in memory, seen as a matrix that sums over `inputs`. */
export interface WeightLayout {
  name: string;
  outputs: number;
  inputs: number;
  /** Weights that share a scale. */
  block: number;
  /** Elements between neighbours along each. */
  outputStride: number;
  inputStride: number;
}

/** The layout of a product's right side where that is a parameter of two axes or one with its axes exchanged. */
export function layoutOf(right: Tensor): WeightLayout | undefined {
  const parameter = right.operation === "transpose" ? right.inputs[0]! : right;
  if (parameter.operation !== "parameter" || parameter.rank !== 2) return undefined;
  const { name } = (parameter as Tensor<"parameter">).attributes;
  const [rows, columns] = parameter.shape as readonly [number, number];
  const block = [128, 64].find((size) => (parameter === right ? rows : columns) % size === 0) ?? 32;
  return parameter === right
    ? { name, block, inputs: rows, outputs: columns, inputStride: columns, outputStride: 1 }
    : { name, block, inputs: columns, outputs: rows, inputStride: 1, outputStride: columns };
}

/** [outputs · blocks] scales: the largest magnitude of each block over 127. */
export function blockScales(weight: Float32Array, of: WeightLayout): Float32Array {
  const blocks = Math.ceil(of.inputs / of.block);
  const scales = new Float32Array(of.outputs * blocks);
  for (let output = 0; output < of.outputs; output++)
    for (let i = 0; i < of.inputs; i++) {
      const at = output * blocks + Math.floor(i / of.block);
      scales[at] = Math.max(scales[at]!, Math.abs(weight[output * of.outputStride + i * of.inputStride]!) / 127);
    }
  return scales;
}

/** [outputs, blocks, block] bytes: weight / scale + 128; the last block is filled up with zeros, which are 128. */
export function blockBytes(weight: Float32Array, of: WeightLayout): Uint8Array {
  const blocks = Math.ceil(of.inputs / of.block);
  const scales = blockScales(weight, of);
  const bytes = new Uint8Array(of.outputs * blocks * of.block).fill(128);
  for (let output = 0; output < of.outputs; output++)
    for (let i = 0; i < of.inputs; i++) {
      const scale = scales[output * blocks + Math.floor(i / of.block)]!;
      const steps = scale === 0 ? 0 : Math.round(weight[output * of.outputStride + i * of.inputStride]! / scale);
      bytes[output * blocks * of.block + i] = 128 + steps;
    }
  return bytes;
}
