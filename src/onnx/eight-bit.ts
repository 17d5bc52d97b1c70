/** Stores weights of matrix products in 8 bits: each block along the summed axis has its own scale. */

import type { Tensor } from "../tensor/index.ts";

/** The memory layout of a weight, as a matrix with `inputs` as the summed axis. */
export interface WeightLayout {
  name: string;
  outputs: number;
  inputs: number;
  /** Number of weights that share a scale. */
  block: number;
  /** Elements between neighbours along each axis. */
  outputStride: number;
  inputStride: number;
}

/** The layout of a product's right operand, if it is a parameter with two axes or one with its axes swapped. */
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
  const scales = new Float32Array(of.outputs * Math.ceil(of.inputs / of.block));
  eachBlock(of, (at, start, count) => {
    let most = 0;
    for (let i = 0; i < count; i++) most = Math.max(most, Math.abs(weight[start + i * of.inputStride]!));
    scales[at] = most / 127;
  });
  return scales;
}

/** [outputs, blocks, block] bytes: weight / scale + 128; the last block is filled up with zeros, which are 128. */
export function blockBytes(weight: Float32Array, of: WeightLayout): Uint8Array {
  const scales = blockScales(weight, of);
  const bytes = new Uint8Array(scales.length * of.block).fill(128);
  eachBlock(of, (at, start, count) => {
    const perStep = scales[at] ? 1 / scales[at] : 0;
    for (let i = 0; i < count; i++)
      bytes[at * of.block + i] = 128.5 + Math.max(-127, Math.min(127, weight[start + i * of.inputStride]! * perStep));
  });
  return bytes;
}

/** Visits the blocks output by output: the block's index, the position of its first weight, and its number of weights. */
function eachBlock(of: WeightLayout, visit: (block: number, start: number, count: number) => void): void {
  let block = 0;
  for (let output = 0; output < of.outputs; output++)
    for (let input = 0; input < of.inputs; input += of.block)
      visit(block++, output * of.outputStride + input * of.inputStride, Math.min(of.block, of.inputs - input));
}
