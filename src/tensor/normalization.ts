/** Layer, group and batch normalisation, and division by the length of a vector. */

import { ShapeError } from "../errors.ts";
import { add, divide, maximum, multiply, power, sqrt, subtract } from "./arithmetic.ts";
import { reshape } from "./layout.ts";
import { picture } from "./products.ts";
import { mean, sum } from "./reductions.ts";
import { currentScope } from "./scope.ts";
import { Tensor } from "./tensor.ts";

/** Zero mean and unit variance over the last axis, then scale [c] and shift [c]. */
export function layerNorm(x: Tensor, scale: Tensor, shift: Tensor, epsilon = 1e-5): Tensor {
  const width = x.shape.at(-1);
  if (width === undefined || scale.count !== width || shift.count !== width)
    throw new ShapeError(
      "layerNorm",
      `scale and shift are not [${width}]`,
      [x.shape, scale.shape, shift.shape],
      currentScope(),
    );
  return new Tensor("layerNorm", [x, scale, shift], { epsilon }, x.shape, x.type);
}

/** Zero mean and unit variance over each group of channels of a picture [n,c,h,w], then scale [c] and shift [c]. */
export function groupNorm(x: Tensor, groups: number, scale: Tensor, shift: Tensor, epsilon = 1e-5): Tensor {
  const shapes = [x.shape, scale.shape, shift.shape];
  const [, c] = picture("groupNorm", x, shapes);
  if (c % groups !== 0 || scale.count !== c || shift.count !== c)
    throw new ShapeError(
      "groupNorm",
      `${c} channels do not match ${groups} groups, scale and shift`,
      shapes,
      currentScope(),
    );
  return new Tensor("groupNorm", [x, scale, shift], { groups, epsilon }, x.shape, x.type);
}

/** Batch normalisation with fixed statistics from training. */
export function frozenBatchNorm(
  x: Tensor,
  statistics: { mean: Tensor; variance: Tensor },
  scale: Tensor,
  shift: Tensor,
  epsilon = 1e-5,
): Tensor {
  checkChannels(x, { mean: statistics.mean, variance: statistics.variance, scale, shift });
  const factor = divide(scale, sqrt(add(statistics.variance, epsilon)));
  return add(multiply(x, channels(factor)), channels(subtract(shift, multiply(statistics.mean, factor))));
}

/** Batch normalisation with this batch's statistics, which are also returned for the running averages (biased variance). */
export function batchNorm(
  x: Tensor,
  scale: Tensor,
  shift: Tensor,
  epsilon = 1e-5,
): { result: Tensor; mean: Tensor; variance: Tensor } {
  checkChannels(x, { scale, shift });
  const centre = mean(x, [0, 2, 3]);
  const away = subtract(x, centre);
  const variance = mean(multiply(away, away), [0, 2, 3]);
  const result = add(multiply(multiply(away, power(add(variance, epsilon), -0.5)), channels(scale)), channels(shift));
  return { result, mean: reshape(centre, [-1]), variance: reshape(variance, [-1]) };
}

/** x divided by its length along the last axis; the length is at least epsilon. */
export function normalizeLength(x: Tensor, epsilon = 1e-12): Tensor {
  // The maximum is taken of the square, because the slope of the root at zero is infinite.
  return divide(x, sqrt(maximum(sum(multiply(x, x), [-1]), epsilon ** 2)));
}

function checkChannels(x: Tensor, vectors: Readonly<Record<string, Tensor>>): void {
  const shapes = [x, ...Object.values(vectors)].map((t) => t.shape);
  const [, c] = picture("batchNorm", x, shapes);
  if (Object.values(vectors).some((vector) => vector.count !== c)) {
    const names = Object.keys(vectors)
      .join(", ")
      .replace(/, (\w+)$/, " and $1");
    throw new ShapeError("batchNorm", `${names} are not [${c}]`, shapes, currentScope());
  }
}

/** A vector of channels, reshaped to broadcast over pictures. */
function channels(x: Tensor): Tensor {
  return reshape(x, [1, x.count, 1, 1]);
}
