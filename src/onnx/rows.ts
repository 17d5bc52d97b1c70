/** One row per operation: how it is written in ONNX. The compiler lists missing rows. */

import {
  nearestSources,
  type Operation,
  type Operations,
  type Padding,
  type Pair,
  type Tensor,
} from "../tensor/index.ts";
import type { Emitter } from "./emitter.ts";
import { elementCodes } from "./proto.ts";

export type Row<K extends Operation> = (emit: Emitter, tensor: Tensor<K>) => string;
type Rows = { [K in Operation]: Row<K> };

/** Operations that need a newer operator set than 17. */
export const sinceOpset: Partial<Record<Operation, number>> = { deformableConvolution: 19 };

const contrib = "com.microsoft";

/** A node with the tensor's inputs. */
function plain<K extends Operation>(
  type: string,
  attributes?: (of: Operations[K], tensor: Tensor<K>) => Attributes,
): Row<K> {
  return (emit, tensor) =>
    emit.node(
      type,
      tensor.inputs.map((x) => emit.value(x)),
      attributes ? { attributes: attributes(tensor.attributes, tensor) } : {},
    );
}
type Attributes = Readonly<Record<string, number | string | readonly number[] | { float: number }>>;

/** Inputs, parameters and constants are named by lowering itself. */
const leaf = (_: Emitter, tensor: Tensor): string => {
  throw new Error(`${tensor.operation} has no inputs and no row`);
};

const window = ({ strides, padding }: { strides: Pair; padding: Padding }) => ({ strides, pads: padding });

function reduction<K extends "mean" | "max">(type: string): Row<K> {
  return (emit, { inputs: [x], attributes: { axes } }) =>
    emit.opset >= 18
      ? emit.node(type, [emit.value(x!), emit.sizes(axes)], { attributes: { keepdims: 1 } })
      : emit.node(type, [emit.value(x!)], { attributes: { axes, keepdims: 1 } });
}

export const rows: Rows = {
  input: leaf,
  parameter: leaf,
  constant: leaf,
  dropMask: leaf,
  dropout: (emit, { inputs: [x, mask] }) =>
    emit.training ? emit.node("Mul", [emit.value(x!), emit.value(mask!)]) : emit.value(x!),
  stopGradient: (emit, { inputs: [x] }) => emit.value(x!),
  negate: plain("Neg"),
  exp: plain("Exp"),
  log: plain("Log"),
  sqrt: plain("Sqrt"),
  erf: plain("Erf"),
  tanh: plain("Tanh"),
  sigmoid: plain("Sigmoid"),
  softplus: plain("Softplus"),
  relu: plain("Relu"),
  abs: plain("Abs"),
  floor: plain("Floor"),
  not: plain("Not"),
  gelu: (emit, { inputs: [x] }) => {
    const value = emit.value(x!);
    if (!emit.portable) return emit.node("Gelu", [value], { domain: contrib });
    const error = emit.node("Erf", [emit.node("Mul", [value, emit.numbers(Math.SQRT1_2)])]);
    return emit.node("Mul", [emit.node("Mul", [value, emit.numbers(0.5)]), emit.node("Add", [error, emit.numbers(1)])]);
  },
  add: plain("Add"),
  subtract: plain("Sub"),
  multiply: plain("Mul"),
  divide: plain("Div"),
  power: plain("Pow"),
  maximum: plain("Max"),
  minimum: plain("Min"),
  less: plain("Less"),
  greater: plain("Greater"),
  equal: plain("Equal"),
  where: plain("Where"),
  clamp: (emit, { inputs: [x], attributes: { min, max } }) =>
    emit.node("Clip", [emit.value(x!), emit.numbers(min), emit.numbers(max)]),
  cast: (emit, { inputs: [x], attributes: { to } }) =>
    emit.node("Cast", [emit.value(x!)], {
      attributes: { to: elementCodes[emit.half && to === "float32" ? "float16" : to] },
    }),
  // One axis after another, the last first: long sums in one step lose digits.
  sum: (emit, { inputs: [x], attributes: { axes } }) =>
    axes.reduceRight(
      (value, axis) => emit.node("ReduceSum", [value, emit.sizes([axis])], { attributes: { keepdims: 1 } }),
      emit.value(x!),
    ),
  mean: reduction("ReduceMean"),
  max: reduction("ReduceMax"),
  matmul: (emit, tensor) => {
    const [a, b] = tensor.inputs as readonly [Tensor, Tensor];
    const weight = emit.bytesOf(tensor);
    if (!weight) return emit.node("MatMul", [emit.value(a), emit.value(b)]);
    const { bytes, scales, layout } = weight;
    // Level 4 multiplies in 8 bits, which makes it faster than float32 on a CPU.
    const { inputs: K, outputs: N, block: block_size } = layout;
    const attributes = { K, N, bits: 8, block_size, accuracy_level: 4 };
    return emit.node("MatMulNBits", [emit.value(a), bytes, scales], { domain: contrib, attributes });
  },
  convolution: plain("Conv", (of, { inputs }) => ({
    ...window(of),
    dilations: of.dilations,
    group: of.groups,
    kernel_shape: inputs[1]!.shape.slice(2),
  })),
  transposedConvolution: plain("ConvTranspose", (of, { inputs }) => ({
    ...window(of),
    dilations: of.dilations,
    group: of.groups,
    kernel_shape: inputs[1]!.shape.slice(2),
    output_padding: of.outputPadding,
  })),
  deformableConvolution: (emit, { inputs, attributes: { stride, padding, groups } }) => {
    const [x, offset, mask, weight, bias] = inputs.map((t) => emit.value(t));
    const kernel_shape = inputs[3]!.shape.slice(2);
    return emit.node("DeformConv", [x!, weight!, offset!, bias!, mask!], {
      attributes: {
        kernel_shape,
        group: groups,
        strides: [stride, stride],
        pads: [padding, padding, padding, padding],
      },
    });
  },
  maxPool: plain("MaxPool", (of) => ({ ...window(of), kernel_shape: of.kernel })),
  maxPoolIndices: (emit, { inputs: [x], attributes: of }) => {
    const flat = emit.node("MaxPool", [emit.value(x!)], {
      attributes: { ...window(of), kernel_shape: of.kernel },
      output: 1,
    });
    const plane = (x!.shape[2] ?? 1) * (x!.shape[3] ?? 1);
    return emit.node("Mod", [flat, emit.sizes([plane])]);
  },
  averagePool: plain("AveragePool", (of) => ({ ...window(of), kernel_shape: of.kernel, count_include_pad: 1 })),
  pad: (emit, { inputs: [x], attributes: { before, after, value } }) =>
    emit.node("Pad", [emit.value(x!), emit.sizes([...before, ...after]), emit.numbers(value)]),
  slice: (emit, { inputs: [x], attributes: { starts, ends, steps, kept } }) => {
    const axes = starts.flatMap((start, axis) =>
      start !== 0 || ends[axis] !== x!.shape[axis] || steps[axis] !== 1 || kept?.includes(axis) ? [axis] : [],
    );
    const at = (numbers: readonly number[]) => emit.sizes(axes.map((axis) => numbers[axis]!));
    if (axes.length === 0) return emit.value(x!);
    return emit.node("Slice", [emit.value(x!), at(starts), at(ends), emit.sizes(axes), at(steps)]);
  },
  concat: plain("Concat", ({ axis }) => ({ axis })),
  reshape: (emit, { inputs: [x], shape }) => emit.node("Reshape", [emit.value(x!), emit.sizes(shape)]),
  transpose: plain("Transpose", ({ order }) => ({ perm: order })),
  expand: (emit, { inputs: [x], shape }) => emit.node("Expand", [emit.value(x!), emit.sizes(shape)]),
  gather: plain("Gather", ({ axis }) => ({ axis })),
  gatherAlong: plain("GatherElements", ({ axis }) => ({ axis })),
  scatterAddRows: (emit, { inputs: [x, index, updates] }) => {
    const column = emit.node("Reshape", [emit.value(index!), emit.sizes([index!.count, 1])]);
    return emit.node("ScatterND", [emit.value(x!), column, emit.value(updates!)], { attributes: { reduction: "add" } });
  },
  scatterAddAlong: plain("ScatterElements", ({ axis }) => ({ axis, reduction: "add" })),
  softmax: plain("Softmax", ({ axis }) => ({ axis })),
  logSoftmax: plain("LogSoftmax", ({ axis }) => ({ axis })),
  layerNorm: plain("LayerNormalization", ({ epsilon }) => ({ axis: -1, epsilon: { float: epsilon } })),
  groupNorm: (emit, { inputs: [x, scale, shift], attributes: { groups, epsilon }, shape }) => {
    const grouped = emit.node("Reshape", [emit.value(x!), emit.sizes([shape[0]!, groups, -1])]);
    const plain = [new Float32Array(groups).fill(1), new Float32Array(groups)].map((row) =>
      emit.numbers(row, [groups]),
    );
    const attributes = { epsilon: { float: epsilon } };
    const standard = emit.node("InstanceNormalization", [grouped, ...plain], { attributes });
    const channel = (vector: Tensor) => emit.node("Reshape", [emit.value(vector), emit.sizes([shape[1]!, 1, 1])]);
    const scaled = emit.node("Mul", [emit.node("Reshape", [standard, emit.sizes(shape)]), channel(scale!)]);
    return emit.node("Add", [scaled, channel(shift!)]);
  },
  resizeNearest: (emit, { inputs: [x], shape }) => {
    if ([2, 3].every((axis) => dividesExactly(x!.shape[axis]!, shape[axis]!)))
      return emit.node("Resize", [emit.value(x!), "", "", emit.sizes(shape)], {
        attributes: { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
      });
    const along = (value: string, axis: number) =>
      emit.node("Gather", [value, emit.table(nearestSources(x!.shape[axis]!, shape[axis]!))], { attributes: { axis } });
    return along(along(emit.value(x!), 3), 2);
  },
  resizeLinear: (emit, { inputs: [x], attributes: { corners }, shape }) =>
    emit.node("Resize", [emit.value(x!), "", "", emit.sizes(shape)], {
      attributes: {
        mode: "linear",
        coordinate_transformation_mode: corners === "aligned" ? "align_corners" : "half_pixel",
      },
    }),
  gridSample: plain("GridSample", ({ corners }) => ({
    mode: "bilinear",
    align_corners: corners === "aligned" ? 1 : 0,
  })),
  roiAlign: plain("RoiAlign", ({ size, scale, samplingRatio, aligned }) => ({
    output_height: size[0],
    output_width: size[1],
    spatial_scale: { float: scale },
    sampling_ratio: samplingRatio,
    coordinate_transformation_mode: aligned ? "half_pixel" : "output_half_pixel",
  })),
  topK: (emit, { inputs: [x], attributes: { k, largest } }) =>
    emit.node("TopK", [emit.value(x!), emit.sizes([k])], { attributes: { largest: largest ? 1 : 0 }, output: 1 }),
  nonMaximumSuppression: (emit, { inputs: [boxes, scores], attributes: { overlap, limit } }) => {
    const float = (value: string) =>
      emit.half ? emit.node("Cast", [value], { attributes: { to: elementCodes.float32 } }) : value;
    const some = emit.node("Unsqueeze", [float(emit.value(boxes!)), emit.sizes([0])]);
    const marks = emit.node("Unsqueeze", [float(emit.value(scores!)), emit.sizes([0, 1])]);
    const most = float(emit.numbers(Float32Array.of(overlap), [1]));
    const chosen = emit.node("NonMaxSuppression", [some, marks, emit.sizes([limit]), most]);
    const column = emit.node("Gather", [chosen, emit.sizes([2])], { attributes: { axis: 1 } });
    const flat = emit.node("Reshape", [column, emit.sizes([-1])]);
    const missing = emit.node("Sub", [emit.sizes([limit]), emit.node("Shape", [flat])]);
    const ends = emit.node("Concat", [emit.sizes([0]), missing], { attributes: { axis: 0 } });
    const blank = emit.node("Squeeze", [emit.sizes([-1]), emit.sizes([0])]);
    return emit.node("Pad", [flat, ends, blank]);
  },
};

/** Whether Resize, which divides by a float32 scale, reads the right sources: it does if the scale is exact. */
function dividesExactly(from: number, size: number): boolean {
  const scale = Math.fround(size / from);
  return nearestSources(from, size).every((source, i) => source === Math.floor(Math.fround(i / scale)));
}
