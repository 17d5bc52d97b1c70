/** One row per operation: the gradients of its inputs, given the gradient of its result. The compiler lists missing rows. */

import {
  add,
  cast,
  constant,
  divide,
  equal,
  exp,
  expand,
  gather,
  gatherAlong,
  greater,
  less,
  log,
  matmul,
  multiply,
  negate,
  type Operation,
  pad,
  power,
  reshape,
  type Shape,
  sameShape,
  scatterAddAlong,
  scatterAddRows,
  sigmoid,
  slice,
  softmax,
  subtract,
  sum,
  swapLast,
  Tensor,
  transpose,
  where,
} from "../tensor/index.ts";
import { convolutionRule, deformableConvolutionRule, transposedConvolutionRule } from "./convolution-rules.ts";
import { groupNormRule, layerNormRule } from "./normalization-rules.ts";
import {
  averagePoolRule,
  gridSampleRule,
  maxPoolRule,
  resizeLinearRule,
  resizeNearestRule,
  roiAlignRule,
} from "./sampling-rules.ts";

/** Gradients of the inputs in their order; undefined if there is none. `wanted` says which are needed. */
export type Rule<K extends Operation> = (
  tensor: Tensor<K>,
  gradient: Tensor,
  wanted: readonly boolean[],
) => readonly (Tensor | undefined)[];
type Rules = { [K in Operation]: Rule<K> | "none" };

/** Sums over the axes that broadcasting repeated. */
function unbroadcast(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const extra = gradient.rank - shape.length;
  const axes = gradient.shape.flatMap((size, axis) =>
    axis < extra || (shape[axis - extra] === 1 && size !== 1) ? [axis] : [],
  );
  return reshape(sum(gradient, axes), shape);
}

/** Rules for the two operands of a broadcasting operation. */
function pair<K extends Operation>(
  left: ((g: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor) | undefined,
  right: ((g: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor) | undefined,
): Rule<K> {
  return (y, g, wanted) => {
    const [a, b] = y.inputs as readonly [Tensor, Tensor];
    return [
      wanted[0] && left ? unbroadcast(left(g, a, b, y), a.shape) : undefined,
      wanted[1] && right ? unbroadcast(right(g, a, b, y), b.shape) : undefined,
    ];
  };
}

/** Rule for an operation on one tensor. */
function single<K extends Operation>(rule: (g: Tensor, x: Tensor, y: Tensor<K>) => Tensor): Rule<K> {
  return (y, g) => [rule(g, y.inputs[0]!, y)];
}

const square = (x: Tensor) => multiply(x, x);
const float = (condition: Tensor) => cast(condition, "float32");

export const rules: Rules = {
  input: "none",
  parameter: "none",
  constant: "none",
  dropMask: "none",
  dropout: (y, g) => [new Tensor("dropout", [g, y.inputs[1]!], {}, y.shape, y.type), undefined],
  stopGradient: "none",
  negate: single((g) => negate(g)),
  exp: single((g, _, y) => multiply(g, y)),
  log: single((g, x) => divide(g, x)),
  sqrt: single((g, _, y) => divide(multiply(g, 0.5), y)),
  erf: single((g, x) => multiply(g, multiply(exp(negate(square(x))), 2 / Math.sqrt(Math.PI)))),
  tanh: single((g, _, y) => multiply(g, subtract(1, square(y)))),
  sigmoid: single((g, _, y) => multiply(g, multiply(y, subtract(1, y)))),
  softplus: single((g, x) => multiply(g, sigmoid(x))),
  relu: single((g, _, y) => multiply(g, float(greater(y, 0)))),
  abs: single((g, x) => multiply(g, subtract(float(greater(x, 0)), float(less(x, 0))))),
  floor: "none",
  not: "none",
  gelu: single((g, x) => {
    const area = multiply(add(new Tensor("erf", [multiply(x, Math.SQRT1_2)], {}, x.shape, x.type), 1), 0.5);
    const density = multiply(exp(multiply(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return multiply(g, add(area, multiply(x, density)));
  }),
  add: pair(
    (g) => g,
    (g) => g,
  ),
  subtract: pair(
    (g) => g,
    (g) => negate(g),
  ),
  multiply: pair(
    (g, _, b) => multiply(g, b),
    (g, a) => multiply(g, a),
  ),
  divide: pair(
    (g, _, b) => divide(g, b),
    (g, _, b, y) => negate(divide(multiply(g, y), b)),
  ),
  power: pair(
    (g, a, b) => multiply(g, multiply(b, power(a, subtract(b, 1)))),
    (g, a, _, y) => multiply(g, multiply(y, log(a))),
  ),
  maximum: pair(
    (g, a, b) => multiply(g, share(a, b)),
    (g, a, b) => multiply(g, share(b, a)),
  ),
  minimum: pair(
    (g, a, b) => multiply(g, share(b, a)),
    (g, a, b) => multiply(g, share(a, b)),
  ),
  less: "none",
  greater: "none",
  equal: "none",
  where: (y, g, wanted) => {
    const [condition, a, b] = y.inputs as readonly [Tensor, Tensor, Tensor];
    return [
      undefined,
      wanted[1] ? unbroadcast(where(condition, g, 0), a.shape) : undefined,
      wanted[2] ? unbroadcast(where(condition, 0, g), b.shape) : undefined,
    ];
  },
  clamp: single((g, x, { attributes: { min, max: most } }) => {
    const outside = add(float(less(x, min)), float(greater(x, most)));
    return multiply(g, subtract(1, outside));
  }),
  cast: single((g, x) => cast(g, x.type)),
  sum: single((g, x) => expand(g, x.shape)),
  mean: single((g, x, y) => expand(multiply(g, y.count / x.count), x.shape)),
  max: single((g, x, y) => {
    const best = float(equal(x, y));
    return multiply(best, divide(g, sum(best, y.attributes.axes)));
  }),
  matmul: (y, g, wanted) => {
    const [a, b] = y.inputs as readonly [Tensor, Tensor];
    return [wanted[0] ? productLeft(g, a, b) : undefined, wanted[1] ? productRight(g, a, b) : undefined];
  },
  convolution: convolutionRule,
  transposedConvolution: transposedConvolutionRule,
  deformableConvolution: deformableConvolutionRule,
  maxPool: maxPoolRule,
  maxPoolIndices: "none",
  averagePool: averagePoolRule,
  pad: single((g, x, { attributes: { before } }) =>
    slice(g, ...before.map((start, axis) => ({ axis, start, end: start + x.shape[axis]! }))),
  ),
  slice: single((g, x, { attributes: { starts, steps } }) => {
    const spread = x.shape.reduce((t, _, axis) => (steps[axis] === 1 ? t : dilate(t, axis, steps[axis]!)), g);
    return pad(
      spread,
      starts,
      x.shape.map((size, axis) => size - starts[axis]! - spread.shape[axis]!),
    );
  }),
  concat: (y, g, wanted) => {
    let start = 0;
    return y.inputs.map((x, i) => {
      const from = start;
      start += x.shape[y.attributes.axis]!;
      return wanted[i] ? slice(g, { axis: y.attributes.axis, start: from, end: start }) : undefined;
    });
  },
  reshape: single((g, x) => reshape(g, x.shape)),
  transpose: single((g, _, { attributes: { order } }) =>
    transpose(
      g,
      order.map((_axis, i) => order.indexOf(i)),
    ),
  ),
  expand: single((g, x) => unbroadcast(g, x.shape)),
  gather: (y, g) => {
    const [x, index] = y.inputs as readonly [Tensor, Tensor];
    const { axis } = y.attributes;
    const order = x.shape.map((_, i) => i).filter((i) => i !== axis);
    const front = [axis, ...order];
    const rowsOfG = g.shape.map((_, i) => i);
    const moved = transpose(g, [
      ...rowsOfG.slice(axis, axis + index.rank),
      ...rowsOfG.filter((i) => i < axis || i >= axis + index.rank),
    ]);
    const rest = order.map((i) => x.shape[i]!);
    const zeros = expand(constant(0), [x.shape[axis]!, ...rest]);
    const rows = scatterAddRows(zeros, reshape(index, [index.count]), reshape(moved, [index.count, ...rest]));
    return [
      transpose(
        rows,
        x.shape.map((_, i) => front.indexOf(i)),
      ),
      undefined,
    ];
  },
  gatherAlong: (y, g) => {
    const [x, index] = y.inputs as readonly [Tensor, Tensor];
    return [scatterAddAlong(expand(constant(0), x.shape), index, g, y.attributes.axis), undefined];
  },
  scatterAddRows: (y, g) => [g, undefined, gather(g, y.inputs[1]!, 0)],
  scatterAddAlong: (y, g) => [g, undefined, gatherAlong(g, y.inputs[1]!, y.attributes.axis)],
  softmax: single((g, _, y) => {
    const weighted = multiply(g, y);
    return subtract(weighted, multiply(y, sum(weighted, [y.attributes.axis])));
  }),
  logSoftmax: single((g, x, y) => subtract(g, multiply(softmax(x, y.attributes.axis), sum(g, [y.attributes.axis])))),
  layerNorm: layerNormRule,
  groupNorm: groupNormRule,
  resizeNearest: resizeNearestRule,
  resizeLinear: resizeLinearRule,
  gridSample: gridSampleRule,
  roiAlign: roiAlignRule,
  topK: "none",
  nonMaximumSuppression: "none",
};

/** 1 where a is larger than b, 0.5 where they are equal. */
function share(a: Tensor, b: Tensor): Tensor {
  return add(float(greater(a, b)), multiply(float(equal(a, b)), 0.5));
}

/** Inserts step - 1 zeros between neighbours along an axis. */
function dilate(x: Tensor, axis: number, step: number): Tensor {
  const at = axis + 1;
  const apart = reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
  const after = apart.shape.map((_, i) => (i === at ? step - 1 : 0));
  const filled = pad(
    apart,
    apart.shape.map(() => 0),
    after,
  );
  const joined = reshape(
    filled,
    x.shape.map((size, i) => (i === axis ? size * step : size)),
  );
  return slice(joined, { axis, end: Math.max(0, (x.shape[axis]! - 1) * step + 1) });
}

/** g · bᵀ; batch axes that a does not have are folded into the product if possible. */
function productLeft(g: Tensor, a: Tensor, b: Tensor): Tensor {
  return unbroadcast(matmul(g, swapLast(b)), batchShape(a, g.shape.at(-2)!, b.shape.at(-2)!));
}

/** aᵀ · g; a weight that is the same for the whole batch gets one product over all rows. */
function productRight(g: Tensor, a: Tensor, b: Tensor): Tensor {
  if (b.rank === 2 && a.rank > 2)
    return matmul(swapLast(reshape(a, [-1, a.shape.at(-1)!])), reshape(g, [-1, g.shape.at(-1)!]));
  return unbroadcast(matmul(swapLast(a), g), b.shape);
}

function batchShape(a: Tensor, rows: number, columns: number): Shape {
  return [...a.shape.slice(0, -2), rows, columns];
}
