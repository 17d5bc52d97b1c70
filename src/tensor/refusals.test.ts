/** Every operation refuses operands that do not fit, with a message that has the place, the problem and the shapes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as t from "./index.ts";

const of = (...shape: number[]) => t.input("x", shape);
const whole = (...shape: number[]) => t.input("i", shape, "int64");
const roi = { size: [2, 2], scale: 1, samplingRatio: 2, aligned: true } as const;
const pool = { kernel: [5, 5], strides: [1, 1], padding: [0, 0, 0, 0] } as const;

type Refusals = readonly (readonly [() => unknown, message: string])[];

/** "none" for operations that take tensors of any shape and type. */
const refusals: Record<t.Operation, Refusals | "none"> = {
  input: [[() => of(2, -1), "input: makes a tensor of size -1; operands ; in"]],
  parameter: [[() => t.parameter("w", [0.5]), "parameter: makes a tensor of size 0.5; operands ; in"]],
  constant: [[() => t.constant([1, 2, 3], [2, 2]), "constant: 3 numbers do not fill the shape; operands [2, 2]"]],
  dropMask: [[() => t.dropPath(of(2, 3), -0.1), "dropout: rate -0.1 is outside 0..1; operands [2, 3]"]],
  dropout: [[() => t.dropout(of(2, 3), 1), "dropout: rate 1 is outside 0..1; operands [2, 3]"]],
  stopGradient: "none",
  negate: [[() => t.negate(t.less(of(2), 0)), "negate: does not take bool; operands [2]"]],
  exp: [[() => t.exp(whole(2)), "exp: does not take int64; operands [2]"]],
  log: [[() => t.log(whole(2)), "log: does not take int64; operands [2]"]],
  sqrt: [[() => t.sqrt(whole(2)), "sqrt: does not take int64; operands [2]"]],
  erf: [[() => t.erf(whole(2)), "erf: does not take int64; operands [2]"]],
  tanh: [[() => t.tanh(whole(2)), "tanh: does not take int64; operands [2]"]],
  sigmoid: [[() => t.sigmoid(whole(2)), "sigmoid: does not take int64; operands [2]"]],
  softplus: [[() => t.softplus(whole(2)), "softplus: does not take int64; operands [2]"]],
  relu: [[() => t.relu(whole(2)), "relu: does not take int64; operands [2]"]],
  abs: [[() => t.abs(t.less(of(2), 0)), "abs: does not take bool; operands [2]"]],
  floor: [[() => t.floor(whole(2)), "floor: does not take int64; operands [2]"]],
  not: [[() => t.not(of(2)), "not: does not take float32; operands [2]"]],
  gelu: [[() => t.gelu(whole(2)), "gelu: does not take int64; operands [2]"]],
  add: [
    [() => t.add(of(2, 3), of(4)), "add: sizes 3 and 4 do not broadcast; operands [2, 3] [4]"],
    [() => t.add(of(2, 3), whole(3)), "add: element types float32 and int64 differ; operands [2, 3] [3]"],
  ],
  subtract: [[() => t.subtract(of(2), of(3)), "subtract: sizes 2 and 3 do not broadcast; operands [2] [3]"]],
  multiply: [[() => t.multiply(of(2), of(3)), "multiply: sizes 2 and 3 do not broadcast; operands [2] [3]"]],
  divide: [[() => t.divide(of(2), of(3)), "divide: sizes 2 and 3 do not broadcast; operands [2] [3]"]],
  power: [[() => t.power(of(2), of(3)), "power: sizes 2 and 3 do not broadcast; operands [2] [3]"]],
  maximum: [[() => t.maximum(of(2), of(3)), "maximum: sizes 2 and 3 do not broadcast; operands [2] [3]"]],
  minimum: [[() => t.minimum(of(2), of(3)), "minimum: sizes 2 and 3 do not broadcast; operands [2] [3]"]],
  less: [[() => t.less(of(2), of(3)), "less: sizes 2 and 3 do not broadcast; operands [2] [3]"]],
  greater: [[() => t.greater(of(2), whole(2)), "greater: element types float32 and int64 differ; operands [2] [2]"]],
  equal: [[() => t.equal(of(2), of(3)), "equal: sizes 2 and 3 do not broadcast; operands [2] [3]"]],
  where: [
    [() => t.where(of(2), 1, 0), "where: the condition is float32, not bool; operands [2]"],
    [() => t.where(t.less(of(2), 0), of(3), 0), "where: sizes 2 and 3 do not broadcast; operands [2] [3] []"],
  ],
  clamp: [[() => t.clamp(of(2), 3, 1), "clamp: 3 is above 1; operands [2]"]],
  cast: "none",
  sum: [[() => t.sum(of(2, 3), [2]), "sum: there is no axis 2; operands [2, 3]"]],
  mean: [[() => t.mean(of(2, 3), [-3]), "mean: there is no axis -3; operands [2, 3]"]],
  max: [[() => t.max(of(2, 3), [0.5]), "max: there is no axis 0.5; operands [2, 3]"]],
  matmul: [
    [() => t.matmul(of(2, 3), of(4, 5)), "matmul: inner sizes 3 and 4 differ; operands [2, 3] [4, 5]"],
    [() => t.matmul(of(3), of(3, 5)), "matmul: needs at least two axes each; operands [3] [3, 5]"],
    [() => t.matmul(of(2, 2, 3), of(4, 3, 5)), "matmul: sizes 2 and 4 do not broadcast; operands [2, 2, 3] [4, 3, 5]"],
  ],
  convolution: [
    [
      () => t.convolution(of(1, 3, 8, 8), of(4, 2, 3, 3)),
      "convolution: 3 channels do not match a weight for 2 x 1 groups; operands [1, 3, 8, 8] [4, 2, 3, 3]",
    ],
    [() => t.convolution(of(3, 8, 8), of(4, 3, 3, 3)), "convolution: needs four axes; operands [3, 8, 8] [4, 3, 3, 3]"],
    [
      () => t.convolution(of(1, 3, 8, 8), of(4, 3, 3, 3), { bias: of(3) }),
      "convolution: the bias is not [4]; operands [1, 3, 8, 8] [4, 3, 3, 3] [3]",
    ],
    [
      () => t.convolution(of(1, 3, 2, 8), of(4, 3, 5, 5)),
      "convolution: 5 x 5 windows are larger than the padded picture; operands [1, 3, 2, 8] [4, 3, 5, 5]",
    ],
  ],
  transposedConvolution: [
    [
      () => t.transposedConvolution(of(1, 3, 8, 8), of(4, 3, 2, 2)),
      "transposedConvolution: 3 channels do not match a weight for 4; operands [1, 3, 8, 8] [4, 3, 2, 2]",
    ],
    [
      () => t.transposedConvolution(of(1, 4, 8, 8), of(4, 3, 2, 2), { bias: of(4) }),
      "transposedConvolution: the bias is not [3]; operands [1, 4, 8, 8] [4, 3, 2, 2] [4]",
    ],
  ],
  deformableConvolution: [
    [
      () => t.deformableConvolution(of(1, 2, 8, 8), of(1, 18, 4, 4), of(1, 9, 8, 8), of(4, 2, 3, 3), { bias: of(4) }),
      "deformableConvolution: offset and mask are not for 8 x 8 places; operands [1, 2, 8, 8] [1, 18, 4, 4] [1, 9, 8, 8] [4, 2, 3, 3] [4]",
    ],
    [
      () => t.deformableConvolution(of(1, 2, 8, 8), of(1, 18, 8, 8), of(1, 9, 8, 8), of(4, 3, 3, 3), { bias: of(4) }),
      "deformableConvolution: 2 channels do not match weight and bias; operands",
    ],
  ],
  maxPool: [
    [
      () => t.maxPool(of(1, 2, 2, 2), { kernel: 4 }),
      "maxPool: 4 x 4 windows are larger than the padded picture; operands [1, 2, 2, 2]",
    ],
    [() => t.maxPool(of(2, 2, 2), { kernel: 2 }), "maxPool: needs four axes; operands [2, 2, 2]"],
    [
      () => t.maxPool(of(1, 2, 8, 8), { kernel: 2, padding: 2 }),
      "maxPool: the padding is not below the kernel; operands",
    ],
  ],
  maxPoolIndices: [
    [
      () => t.maxPoolIndices(of(1, 2, 2, 2), pool),
      "maxPoolIndices: 5 x 5 windows are larger than the padded picture; operands",
    ],
  ],
  averagePool: [[() => t.averagePool(of(2, 2, 2), { kernel: 2 }), "averagePool: needs four axes; operands [2, 2, 2]"]],
  pad: [
    [
      () => t.pad(of(2, 3), [0], [1, 1]),
      "pad: needs 2 sizes of at least 0 before and after; operands [2, 3] [0] [1, 1]",
    ],
  ],
  slice: [
    [() => t.slice(of(2, 3), { axis: 2 }), "slice: there is no axis 2; operands [2, 3]"],
    [() => t.slice(of(5), { axis: 0, start: 3, end: 1 }), "slice: the range from 3 to 1 is empty; operands [5]"],
    [() => t.slice(of(5), { axis: 0, step: 0 }), "slice: step 0 is not a whole number above 0; operands [5]"],
  ],
  concat: [
    [() => t.concat([of(2, 3), of(3, 3)], 1), "concat: sizes differ outside axis 1; operands [2, 3] [3, 3]"],
    [() => t.concat([of(2), whole(2)], 0), "concat: element types float32 and int64 differ; operands [2] [2]"],
    [() => t.concat([], 0), "concat: no tensors are given; operands ; in"],
  ],
  reshape: [
    [() => t.reshape(of(2, 3), [4, 2]), "reshape: 6 elements do not fill [4, 2]; operands [2, 3]"],
    [() => t.reshape(of(2, 3), [4, -1]), "reshape: 6 elements do not fill [4, -1]; operands [2, 3]"],
    [() => t.reshape(of(2, 3), [-1, -1]), "reshape: 6 elements do not fill [-1, -1]; operands [2, 3]"],
  ],
  transpose: [[() => t.transpose(of(2, 3), [0, 0]), "transpose: [0, 0] does not order the axes; operands [2, 3]"]],
  expand: [[() => t.expand(of(2, 3), [2, 4]), "expand: sizes 3 and 4 do not broadcast; operands [2, 3] [2, 4]"]],
  gather: [
    [() => t.gather(of(2, 3), whole(4), 2), "gather: there is no axis 2; operands [2, 3]"],
    [() => t.gather(of(2, 3), of(4)), "gather: indices are float32, not int64; operands [2, 3] [4]"],
  ],
  gatherAlong: [
    [
      () => t.gatherAlong(of(2, 3), whole(3, 1), 1),
      "gatherAlong: indices do not lie within x outside axis 1; operands",
    ],
  ],
  scatterAddRows: [
    [
      () => t.scatterAddRows(of(4, 3), whole(2), of(2, 4)),
      "scatterAddRows: updates are not [k, ...row]; operands [4, 3] [2] [2, 4]",
    ],
  ],
  scatterAddAlong: [
    [
      () => t.scatterAddAlong(of(4, 3), whole(4, 2), of(4, 3), 1),
      "scatterAddAlong: updates differ from the indices in shape; operands [4, 2] [4, 3]",
    ],
  ],
  softmax: [[() => t.softmax(of(2, 3), 2), "softmax: there is no axis 2; operands [2, 3]"]],
  logSoftmax: [[() => t.logSoftmax(of(2, 3), 2), "logSoftmax: there is no axis 2; operands [2, 3]"]],
  layerNorm: [
    [() => t.layerNorm(of(2, 3), of(3), of(2)), "layerNorm: scale and shift are not [3]; operands [2, 3] [3] [2]"],
  ],
  groupNorm: [
    [
      () => t.groupNorm(of(1, 6, 2, 2), 4, of(6), of(6)),
      "groupNorm: 6 channels do not match 4 groups, scale and shift; operands [1, 6, 2, 2] [6] [6]",
    ],
  ],
  resizeNearest: [[() => t.resizeNearest(of(2, 3), [4, 4]), "resizeNearest: needs four axes; operands [2, 3]"]],
  resizeLinear: [
    [() => t.resizeLinear(of(1, 1, 2, 3), [0.5, 4], "aligned"), "resizeLinear: makes a tensor of size 0.5; operands"],
  ],
  gridSample: [
    [
      () => t.gridSample(of(2, 3, 4, 4), of(1, 5, 5, 2)),
      "gridSample: the grid is not [2, h, w, 2]; operands [2, 3, 4, 4] [1, 5, 5, 2]",
    ],
  ],
  roiAlign: [
    [
      () => t.roiAlign(of(1, 2, 8, 8), of(5, 3), whole(5), roi),
      "roiAlign: needs boxes [r,4] and int64 pictures [r]; operands [1, 2, 8, 8] [5, 3] [5]",
    ],
  ],
  topK: [[() => t.topK(of(2, 3), 4), "topK: k is 4 of 3; operands [2, 3]"]],
  nonMaximumSuppression: [
    [
      () => t.nonMaximumSuppression(of(5, 4), of(4), 0.5, 3),
      "nonMaximumSuppression: needs boxes [n,4] and scores [n]; operands [5, 4] [4]",
    ],
  ],
};

const composed: Refusals = [
  [() => t.embedding(of(2, 3, 4), whole(2)), "embedding: the table is not [rows, width]; operands [2, 3, 4]"],
  [() => t.split(of(2, 6), [2, 3], 1), "split: sizes 2 + 3 do not add up along axis 1; operands [2, 6]"],
  [() => t.swapLast(of(3)), "swapLast: needs at least two axes; operands [3]"],
  [() => t.roll(of(3), 1, 1), "roll: there is no axis 1; operands [3]"],
  [() => t.batchNorm(of(2, 3), of(3), of(3)), "batchNorm: needs four axes; operands [2, 3] [3] [3]"],
  [
    () => t.frozenBatchNorm(of(1, 3, 2, 2), { mean: of(3), variance: of(3) }, of(4), of(3)),
    "batchNorm: mean, variance, scale and shift are not [3]; operands [1, 3, 2, 2] [3] [3] [4] [3]",
  ],
  [() => t.dropBlock(of(2, 3), 0.1, 7), "dropBlock: needs four axes; operands [2, 3]"],
];

const all = Object.entries({ ...refusals, composed });
for (const [operation, cases] of all)
  if (cases !== "none")
    test(`${operation} refuses invalid operands`, () => {
      for (const [make, message] of cases)
        assert.throws(
          () => t.inScope("model.layer", make),
          (error: Error) => {
            assert.equal(error.name, "ShapeError");
            assert.equal(error.message.slice(0, message.length), message);
            assert.match(error.message, /; in model\.layer$/);
            return true;
          },
        );
    });
