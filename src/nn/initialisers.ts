/** Initial values of parameters, as in PyTorch and the published models. */

import { countOf, type Shape } from "../tensor/index.ts";

/** Initial values of a parameter; `uniform` returns random numbers in 0..1. */
export type Initialiser = (shape: Shape, uniform: () => number) => Float32Array;

/** Zeros. */
export const zeros: Initialiser = (shape) => new Float32Array(countOf(shape));
/** Ones. */
export const ones: Initialiser = (shape) => new Float32Array(countOf(shape)).fill(1);

/** The same value everywhere. */
export function filled(value: number): Initialiser {
  return (shape) => new Float32Array(countOf(shape)).fill(value);
}

/** Uniform in -bound..bound. */
export function uniformWithin(bound: number): Initialiser {
  return (shape, uniform) => Float32Array.from({ length: countOf(shape) }, () => (2 * uniform() - 1) * bound);
}

/** Normal with mean 0. */
export function normal(deviation: number): Initialiser {
  return (shape, uniform) => Float32Array.from({ length: countOf(shape) }, () => gaussian(uniform) * deviation);
}

/** Normal with mean 0, drawn again beyond two deviations. */
export function truncatedNormal(deviation: number): Initialiser {
  return (shape, uniform) =>
    Float32Array.from({ length: countOf(shape) }, () => {
      let value = gaussian(uniform);
      while (Math.abs(value) > 2) value = gaussian(uniform);
      return value * deviation;
    });
}

/** Uniform in ±1/√fan-in: PyTorch's default for linear and convolution weights (Kaiming uniform with a = √5). */
export const fanInUniform: Initialiser = (shape, uniform) => uniformWithin(1 / Math.sqrt(fanIn(shape)))(shape, uniform);

/** Kaiming uniform with a = 1, as in the FPN (He et al. 2015). */
export const kaimingUniform: Initialiser = (shape, uniform) =>
  uniformWithin(Math.sqrt(3 / fanIn(shape)))(shape, uniform);

/** Xavier uniform (Glorot and Bengio 2010). */
export const xavierUniform: Initialiser = (shape, uniform) => {
  const area = countOf(shape.slice(2));
  return uniformWithin(Math.sqrt(6 / (area * (shape[0]! + shape[1]!))))(shape, uniform);
};

function fanIn(shape: Shape): number {
  return countOf(shape.slice(1));
}

/** Box and Muller 1958. */
function gaussian(uniform: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
