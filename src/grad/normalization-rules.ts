/** Gradients of normalisation. */

import { add, divide, mean, multiply, reshape, sqrt, subtract, sum, type Tensor } from "../tensor/index.ts";
import type { Rule } from "./rules.ts";

/** y = x̂·scale + shift with x̂ = (x - mean)/deviation over the last axis (Ba et al. 2016). */
export const layerNormRule: Rule<"layerNorm"> = (y, g, wanted) => {
  const [x, scale, shift] = y.inputs as readonly [Tensor, Tensor, Tensor];
  const { standard, inverse } = standardized(x, y.attributes.epsilon);
  const rows = x.shape.slice(0, -1).map((_, axis) => axis);
  return [
    wanted[0] ? standardizedGradient(multiply(g, scale), standard, inverse) : undefined,
    wanted[1] ? reshape(sum(multiply(g, standard), rows), scale.shape) : undefined,
    wanted[2] ? reshape(sum(g, rows), shift.shape) : undefined,
  ];
};

/** The same over each group of channels, with scale and shift of each channel (Wu and He 2018). */
export const groupNormRule: Rule<"groupNorm"> = (y, g, wanted) => {
  const [x, scale, shift] = y.inputs as readonly [Tensor, Tensor, Tensor];
  const { groups, epsilon } = y.attributes;
  const grouped = [x.shape[0]!, groups, -1];
  const { standard, inverse } = standardized(reshape(x, grouped), epsilon);
  const scaled = multiply(g, reshape(scale, [1, scale.count, 1, 1]));
  return [
    wanted[0] ? reshape(standardizedGradient(reshape(scaled, grouped), standard, inverse), x.shape) : undefined,
    wanted[1] ? reshape(sum(multiply(g, reshape(standard, x.shape)), [0, 2, 3]), scale.shape) : undefined,
    wanted[2] ? reshape(sum(g, [0, 2, 3]), shift.shape) : undefined,
  ];
};

/** Normalises the last axis to zero mean and unit variance; also returns the factor. */
function standardized(x: Tensor, epsilon: number): { standard: Tensor; inverse: Tensor } {
  const away = subtract(x, mean(x, [-1]));
  const inverse = divide(1, sqrt(add(mean(multiply(away, away), [-1]), epsilon)));
  return { standard: multiply(away, inverse), inverse };
}

/** The gradient of the values from the gradient of the normalised values. */
function standardizedGradient(g: Tensor, standard: Tensor, inverse: Tensor): Tensor {
  const along = mean(multiply(g, standard), [-1]);
  return multiply(subtract(subtract(g, mean(g, [-1])), multiply(standard, along)), inverse);
}
