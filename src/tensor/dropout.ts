/** Random zeros in training; the identity otherwise. */

import { ShapeError } from "../errors.ts";
import { divide, maximum, multiply, subtract } from "./arithmetic.ts";
import { reshape } from "./layout.ts";
import { maxPool, picture } from "./products.ts";
import { mean } from "./reductions.ts";
import { currentScope } from "./scope.ts";
import { type Shape, Tensor } from "./tensor.ts";

/** In training, sets a fraction of the elements to zero and scales up the rest (Srivastava et al. 2014). */
export function dropout(x: Tensor, rate: number): Tensor {
  return rate === 0 ? x : multiplyInTraining(x, dropMask(x, rate, x.shape));
}

/** In training, drops whole samples of a residual branch (Huang et al. 2016, stochastic depth). */
export function dropPath(x: Tensor, rate: number): Tensor {
  const samples = [x.shape[0] ?? 1, ...x.shape.slice(1).map(() => 1)];
  return rate === 0 ? x : multiplyInTraining(x, dropMask(x, rate, samples));
}

/** In training, drops square blocks of all channels of a picture (Ghiasi et al. 2018; GLIP `layers/dropblock.py`). */
export function dropBlock(x: Tensor, rate: number, size: number): Tensor {
  const [n, , h, w] = picture("dropBlock", x, [x.shape]);
  const centre = rate / size ** 2;
  if (rate === 0) return x;
  const centres = subtract(1, multiply(dropMask(x, centre, [n, 1, h, w]), 1 - centre));
  const keep = subtract(1, maxPool(centres, { kernel: size, stride: 1, padding: (size - 1) / 2 }));
  // A small map can be dropped completely; the reference then divides by zero.
  const kept = maximum(mean(keep), 1 / keep.count);
  return multiplyInTraining(x, divide(keep, reshape(kept, [1, 1, 1, 1])));
}

function dropMask(x: Tensor, rate: number, shape: Shape): Tensor {
  if (!(rate >= 0 && rate < 1))
    throw new ShapeError("dropout", `rate ${rate} is outside 0..1`, [x.shape], currentScope());
  return new Tensor("dropMask", [], { rate }, shape, "float32");
}

function multiplyInTraining(x: Tensor, mask: Tensor): Tensor {
  return new Tensor("dropout", [x, mask], {}, x.shape, x.type);
}
