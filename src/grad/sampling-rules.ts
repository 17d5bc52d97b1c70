/** Gradients of pooling, resizing and sampling between pixels. */

import {
  abs,
  add,
  cast,
  clamp,
  constant,
  divide,
  expand,
  floor,
  gather,
  greater,
  less,
  matmul,
  maximum,
  maxPoolIndices,
  multiply,
  nearestSources,
  negate,
  type Operations,
  type Pair,
  relu,
  reshape,
  scatterAddAlong,
  slice,
  stopGradient,
  subtract,
  sum,
  swapLast,
  type Tensor,
  transpose,
  transposedConvolution,
} from "../tensor/index.ts";
import { cornersOf, readingGradients } from "./bilinear.ts";
import { meanKernel } from "./convolution-rules.ts";
import { operandGradients } from "./gradients.ts";
import type { Rule } from "./rules.ts";

type Sizes = readonly [number, number, number, number];

export const maxPoolRule: Rule<"maxPool"> = (y, g) => {
  const x = y.inputs[0]!;
  const [n, c, h, w] = x.shape as Sizes;
  const flat = [n, c, y.count / (n * c)];
  const zeros = expand(constant(0), [n, c, h * w]);
  const at = reshape(maxPoolIndices(x, y.attributes), flat);
  return [reshape(scatterAddAlong(zeros, at, reshape(g, flat), 2), x.shape)];
};

export const averagePoolRule: Rule<"averagePool"> = (y, g) => {
  const x = y.inputs[0]!;
  const { kernel, strides, padding } = y.attributes;
  const missing = (axis: 0 | 1) =>
    x.shape[axis + 2]! + padding[axis] + padding[axis + 2]! - ((y.shape[axis + 2]! - 1) * strides[axis] + kernel[axis]);
  const outputPadding: Pair = [missing(0), missing(1)];
  const groups = x.shape[1]!;
  return [transposedConvolution(g, meanKernel(groups, kernel), { stride: strides, padding, groups, outputPadding })];
};

export const resizeNearestRule: Rule<"resizeNearest"> = (y, g) => [
  resizeBack(g, y.inputs[0]!, (size, from) => {
    const sources = nearestSources(from, size);
    return shares(size, from, (i) => sources[i]!);
  }),
];

export const resizeLinearRule: Rule<"resizeLinear"> = (y, g) => {
  const aligned = y.attributes.corners === "aligned";
  const source = (size: number, from: number) => (i: number) =>
    aligned ? (size === 1 ? 0 : (i * (from - 1)) / (size - 1)) : Math.max(0, ((i + 0.5) * from) / size - 0.5);
  return [resizeBack(g, y.inputs[0]!, (size, from) => shares(size, from, source(size, from)))];
};

/** Resizing is a product with a matrix on each side; its gradient is the product with the transposed matrices. */
function resizeBack(g: Tensor, x: Tensor, matrix: (size: number, from: number) => Tensor): Tensor {
  const rows = matrix(g.shape[2]!, x.shape[2]!);
  const columns = matrix(g.shape[3]!, x.shape[3]!);
  return matmul(matmul(swapLast(rows), g), columns);
}

/** [size, from]: the weight of each source at each output position. */
function shares(size: number, from: number, source: (place: number) => number): Tensor {
  const matrix = new Float32Array(size * from);
  for (let i = 0; i < size; i++) {
    const at = Math.min(source(i), from - 1);
    const low = Math.floor(at);
    const high = Math.min(low + 1, from - 1);
    matrix[i * from + low]! += 1 - (at - low);
    matrix[i * from + high]! += at - low;
  }
  return constant(matrix, [size, from]);
}

export const gridSampleRule: Rule<"gridSample"> = (y, g, wanted) => {
  const [x, grid] = y.inputs as readonly [Tensor, Tensor];
  const [n, c, h, w] = x.shape as Sizes;
  const [, , rows, columns] = y.shape as Sizes;
  const aligned = y.attributes.corners === "aligned";
  const place = (axis: 0 | 1, size: number) => {
    const at = reshape(slice(grid, { axis: 3, start: axis, end: axis + 1 }), [n, rows * columns]);
    return aligned ? multiply(add(at, 1), (size - 1) / 2) : subtract(multiply(add(at, 1), size / 2), 0.5);
  };
  const corners = cornersOf(x, place(1, h), place(0, w));
  const back = readingGradients(x, corners, swapLast(reshape(g, [n, c, rows * columns])));
  return [
    wanted[0] ? back.picture() : undefined,
    wanted[1] ? operandGradients(corners.shares, back.shares(), [grid])[0] : undefined,
  ];
};

/** A bin is a mean of products of a row weight and a column weight, so RoIAlign is a product with a matrix on each side. */
export const roiAlignRule: Rule<"roiAlign"> = (y, g) => {
  const [x, , pictures] = y.inputs as readonly [Tensor, Tensor, Tensor];
  const boxes = stopGradient(y.inputs[1]!);
  const rows = binShares(boxes, 1, x.shape[2]!, y.attributes, 0);
  const columns = binShares(boxes, 0, x.shape[3]!, y.attributes, 1);
  const values = matmul(matmul(rows, gather(x, pictures)), swapLast(columns));
  return [operandGradients(values, g, [x])[0], undefined, undefined];
};

/** [r,1,bins,size]: the weight of each row (or column) of the map in each bin of each box. */
function binShares(boxes: Tensor, corner: 0 | 1, size: number, of: Operations["roiAlign"], axis: 0 | 1): Tensor {
  const bins = of.size[axis];
  const shift = of.aligned ? 0.5 : 0;
  const side = (at: number) => subtract(multiply(slice(boxes, { axis: 1, start: at, end: at + 1 }), of.scale), shift);
  const start = side(corner);
  const length = of.aligned ? subtract(side(corner + 2), start) : maximum(subtract(side(corner + 2), start), 1);
  const four = (t: Tensor) => reshape(t, [boxes.shape[0]!, 1, 1, 1]);
  // The samples of a bin that lie on the map are neighbours, and with an adaptive count nearly a pixel apart.
  const most = of.samplingRatio > 0 ? of.samplingRatio : Math.ceil(size / bins) + 3;
  const count = of.samplingRatio > 0 ? constant(most) : maximum(four(negate(floor(negate(divide(length, bins))))), 1);
  const range = (n: number, shape: number[]) =>
    constant(
      Float32Array.from({ length: n }, (_, i) => i),
      shape,
    );
  const bin = range(bins, [1, bins, 1, 1]);
  const step = divide(divide(four(length), bins), count);
  // Of a bin that starts before the map, the first samples are skipped.
  const before = subtract(-1, add(four(start), multiply(bin, divide(four(length), bins))));
  const skipped = maximum(floor(subtract(divide(before, maximum(step, 1e-6)), 0.5)), 0);
  const sample = add(range(most, [1, 1, most, 1]), of.samplingRatio > 0 ? 0 : skipped);
  const within = divide(add(sample, 0.5), count);
  const at = add(four(start), multiply(add(bin, within), divide(four(length), bins)));
  const used = multiply(
    cast(less(sample, count), "float32"),
    multiply(subtract(1, cast(less(at, -1), "float32")), subtract(1, cast(greater(at, size), "float32"))),
  );
  const near = relu(subtract(1, abs(subtract(clamp(at, 0, size - 1), range(size, [1, 1, 1, size])))));
  const share = divide(sum(multiply(near, used), [2]), count);
  return transpose(share, [0, 2, 1, 3]);
}
