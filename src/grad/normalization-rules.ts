/** Gradients of normalisation. */

import { add, mean, multiply, power, reshape, subtract, sum, type Tensor } from "../tensor/index.ts";
import type { Rule } from "./rules.ts";

/** y = x̂·scale + shift with x̂ = (x - mean)/deviation over the last axis (Ba et al. 2016). */
export const layerNormRule: Rule<"layerNorm"> = (y, g, wanted) => {
  const [x, scale, shift] = y.inputs as readonly [Tensor, Tensor, Tensor];
  const away = subtract(x, mean(x, [-1]));
  const inverse = power(add(mean(multiply(away, away), [-1]), y.attributes.epsilon), -0.5);
  const standard = multiply(away, inverse);
  const rows = x.shape.slice(0, -1).map((_, axis) => axis);
  const scaled = multiply(g, scale);
  const along = mean(multiply(scaled, standard), [-1]);
  return [
    wanted[0]
      ? multiply(subtract(subtract(scaled, mean(scaled, [-1])), multiply(standard, along)), inverse)
      : undefined,
    wanted[1] ? reshape(sum(multiply(g, standard), rows), scale.shape) : undefined,
    wanted[2] ? reshape(sum(g, rows), shift.shape) : undefined,
  ];
};
