/** A convolution without bias and the batch norm after it, with the chosen statistics; also both merged into one convolution. */

import { fanInUniform, type Initialiser, type Layer, ones, type Scope, zeros } from "../../nn/index.ts";
import { add, batchNorm, convolution, frozenBatchNorm, multiply, type Tensor } from "../../tensor/index.ts";

/** Channels in and out, kernel and stride in pixels. */
export interface NormedConvolutionOptions {
  inputs: number;
  outputs: number;
  kernel: 1 | 3 | 7;
  stride?: 1 | 2;
  /** Initial values of the norm's scale. Default: ones. */
  scale?: Initialiser;
}

/** Declares a convolution at one scope and its norm at another; the input is padded to keep the windows' centres within the picture. */
export type NormedConvolution = (at: Scope, norm: Scope, options: NormedConvolutionOptions) => Layer;

/** Weight of a batch's statistics in the running statistics, as in PyTorch. */
const MOMENTUM = 0.1;
const EPSILON = 1e-5;

/** Uses the running statistics, as in inference and for frozen batch norms. */
export const frozenNorm: NormedConvolution = (at, norm, options) => {
  const { convolve, scale, shift, mean, variance } = declare(at, norm, options);
  return at.layer((x) => frozenBatchNorm(convolve(x), { mean, variance }, scale, shift, EPSILON));
};

/** Uses each batch's statistics; the updated running statistics are recorded under their parameters' names. */
export const trainedNorm: NormedConvolution = (at, norm, options) => {
  const { convolve, scale, shift, mean, variance } = declare(at, norm, options);
  return at.layer((x) => {
    const y = convolve(x);
    const normed = batchNorm(y, scale, shift, EPSILON);
    const count = y.count / options.outputs;
    const moved = (running: Tensor, now: Tensor) => add(multiply(running, 1 - MOMENTUM), multiply(now, MOMENTUM));
    norm.record(norm.at("running_mean").path, moved(mean, normed.mean));
    // The running variance is unbiased.
    const unbiased = multiply(normed.variance, count / (count - 1));
    norm.record(norm.at("running_var").path, moved(variance, unbiased));
    return normed.result;
  });
};

/** Uses the norm merged into the convolution's weight and a bias, as `foldNorms` writes them. */
export const foldedNorm: NormedConvolution = (at, _norm, { inputs, outputs, kernel, stride = 1 }) => {
  const weight = at.parameter("weight", [outputs, inputs, kernel, kernel], fanInUniform);
  const bias = at.parameter("bias", [outputs], zeros);
  return at.layer((x) => convolution(x, weight, { bias, stride, padding: (kernel - 1) / 2 }));
};

/** Names of the running statistics; they get no gradient. */
export const runningStatistics = /\.running_(mean|var)$/;

function declare(at: Scope, norm: Scope, options: NormedConvolutionOptions) {
  const { inputs, outputs, kernel, stride = 1, scale = ones } = options;
  const weight = at.parameter("weight", [outputs, inputs, kernel, kernel], fanInUniform);
  return {
    convolve: (x: Tensor) => convolution(x, weight, { stride, padding: (kernel - 1) / 2 }),
    scale: norm.parameter("weight", [outputs], scale),
    shift: norm.parameter("bias", [outputs], zeros),
    mean: norm.parameter("running_mean", [outputs], zeros),
    variance: norm.parameter("running_var", [outputs], ones),
  };
}

/**
 * Merges every batch norm into the convolution before it: `bn1` into `conv1`, `downsample.1` into `downsample.0`, `X.norm` into `X`. Does
 * not change the given weights; the result has no norms.
 */
export function foldNorms(weights: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  const folded = new Map(weights);
  for (const name of weights.keys()) {
    if (!name.endsWith(".running_var")) continue;
    const norm = name.slice(0, -".running_var".length);
    const convolution = norm
      .replace(/bn(\d)$/, "conv$1")
      .replace(/downsample\.1$/, "downsample.0")
      .replace(/\.norm$/, "");
    const part = (key: string) => weights.get(`${norm}.${key}`)!;
    const [scale, shift, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map(part) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const weight = weights.get(`${convolution}.weight`)!.slice();
    const factors = Array.from(scale, (value, k) => value / Math.sqrt(variance[k]! + EPSILON));
    const each = weight.length / factors.length;
    for (let i = 0; i < weight.length; i++) weight[i]! *= factors[Math.floor(i / each)]!;
    folded.set(`${convolution}.weight`, weight);
    folded.set(
      `${convolution}.bias`,
      shift.map((value, k) => value - mean[k]! * factors[k]!),
    );
    for (const key of ["weight", "bias", "running_mean", "running_var"]) folded.delete(`${norm}.${key}`);
  }
  return folded;
}
