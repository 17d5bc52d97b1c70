/** Gradients of convolutions: products, slices and convolutions, since ONNX Runtime has no gradient kernels. */

import {
  add,
  type ConvolutionAttributes,
  concat,
  constant,
  convolution,
  deformableConvolution,
  gather,
  indices,
  matmul,
  multiply,
  type Padding,
  type Pair,
  pad,
  reshape,
  slice,
  sum,
  swapLast,
  type Tensor,
  transpose,
  transposedConvolution,
} from "../tensor/index.ts";
import { cornersOf, readingGradients } from "./bilinear.ts";
import { operandGradients } from "./gradients.ts";
import type { Rule } from "./rules.ts";

type Sizes = readonly [number, number, number, number];

export const convolutionRule: Rule<"convolution"> = (y, g, wanted) => {
  const [x, weight, bias] = y.inputs as readonly [Tensor, Tensor, Tensor | undefined];
  return [
    wanted[0] ? pictureGradient(g, weight, x, y.attributes) : undefined,
    wanted[1] ? weightGradient(x, g, weight.shape, y.attributes) : undefined,
    bias && wanted[2] ? reshape(sum(g, [0, 2, 3]), bias.shape) : undefined,
  ];
};

export const transposedConvolutionRule: Rule<"transposedConvolution"> = (y, g, wanted) => {
  const [x, weight, bias] = y.inputs as readonly [Tensor, Tensor, Tensor | undefined];
  const options = convolutionOptions(y.attributes);
  return [
    wanted[0] ? convolution(g, weight, options) : undefined,
    wanted[1] ? weightGradient(g, x, weight.shape, y.attributes) : undefined,
    bias && wanted[2] ? reshape(sum(g, [0, 2, 3]), bias.shape) : undefined,
  ];
};

/** Products with what the convolution read, and from there to where it was read (see `bilinear.ts`). */
export const deformableConvolutionRule: Rule<"deformableConvolution"> = (y, g, wanted) => {
  const [x, offset, mask, weight, bias] = y.inputs as readonly [Tensor, Tensor, Tensor, Tensor, Tensor];
  const { stride, padding, groups } = y.attributes;
  const [n, c] = x.shape as Sizes;
  const [out, per, kh, kw] = weight.shape as Sizes;
  const [, taps, rows, columns] = mask.shape as Sizes;
  const places = rows * columns;
  const grouped = reshape(g, [n, groups, out / groups, places]);

  const toWeight = () => {
    const each = constant(
      Float32Array.from({ length: c * taps * taps }, (_, i) => (i % taps === Math.floor(i / taps) % taps ? 1 : 0)),
      [c * taps, 1, kh, kw],
    );
    const none = constant(new Float32Array(c * taps));
    const read = deformableConvolution(x, offset, mask, each, { bias: none, stride, padding, groups: c });
    const product = matmul(grouped, swapLast(reshape(read, [n, groups, per * taps, places])));
    return reshape(sum(product, [0]), weight.shape);
  };
  const toReading = () => {
    const kernel = transpose(reshape(weight, [groups, out / groups, per, taps]), [0, 1, 3, 2]);
    const product = matmul(swapLast(grouped), reshape(kernel, [groups, out / groups, taps * per]));
    const byChannel =
      groups === 1 ? product : transpose(reshape(product, [n, groups, places, taps, per]), [0, 2, 3, 1, 4]);
    // By place and then by tap, so that threads that add to the picture side by side do so far apart.
    const moves = transpose(reshape(offset, [n, taps, 2, places]), [2, 0, 3, 1]);
    const corners = cornersOf(
      x,
      placed(moves, 0, (place, tap) => Math.floor(place / columns) * stride - padding + Math.floor(tap / kw)),
      placed(moves, 1, (place, tap) => (place % columns) * stride - padding + (tap % kw)),
    );
    const weights = reshape(swapLast(reshape(mask, [n, taps, places])), [n, 1, places * taps]);
    const shares = multiply(corners.shares, weights);
    const back = readingGradients(x, { ...corners, shares }, reshape(byChannel, [n, places * taps, c]));
    const [toOffset, toMask] =
      wanted[1] || wanted[2] ? operandGradients(shares, back.shares(), [offset, mask]) : [undefined, undefined];
    return [wanted[0] ? back.picture() : undefined, wanted[1] ? toOffset : undefined, wanted[2] ? toMask : undefined];
  };
  const reading = wanted[0] || wanted[1] || wanted[2] ? toReading() : [undefined, undefined, undefined];
  return [
    ...reading,
    wanted[3] ? toWeight() : undefined,
    wanted[4] ? reshape(sum(g, [0, 2, 3]), bias.shape) : undefined,
  ];
};

/** Where each tap reads along one axis [n,places·taps]: its own place in the grid, moved by moves [2,n,places,taps]. */
function placed(moves: Tensor, axis: 0 | 1, home: (place: number, tap: number) => number): Tensor {
  const [, n, places, taps] = moves.shape as Sizes;
  const homes = Float32Array.from({ length: places * taps }, (_, i) => home(Math.floor(i / taps), i % taps));
  const moved = reshape(slice(moves, { axis: 0, start: axis, end: axis + 1 }), [n, places * taps]);
  return add(moved, constant(homes, [1, places * taps]));
}

/** A full correlation with the flipped kernel where strides are 1; a transposed convolution otherwise. */
function pictureGradient(g: Tensor, weight: Tensor, x: Tensor, of: ConvolutionAttributes): Tensor {
  const [, , kh, kw] = weight.shape as readonly [number, number, number, number];
  if (of.groups === 1 && of.strides.every((s) => s === 1) && of.dilations.every((d) => d === 1)) {
    const flat = transpose(reshape(weight, [weight.shape[0]!, weight.shape[1]!, kh * kw]), [1, 0, 2]);
    const flipped =
      kh * kw === 1 ? flat : gather(flat, indices(Array.from({ length: kh * kw }, (_, i) => kh * kw - 1 - i)), 2);
    const [top, left, bottom, right] = of.padding;
    const padding: Padding = [kh - 1 - top, kw - 1 - left, kh - 1 - bottom, kw - 1 - right];
    if (padding.every((p) => p >= 0))
      return convolution(g, reshape(flipped, [weight.shape[1]!, weight.shape[0]!, kh, kw]), { padding });
  }
  const missing = (axis: 0 | 1) => {
    const kernel = weight.shape[axis + 2]!;
    const reached = (g.shape[axis + 2]! - 1) * of.strides[axis] + of.dilations[axis] * (kernel - 1) + 1;
    return x.shape[axis + 2]! - (reached - of.padding[axis] - of.padding[axis + 2]!);
  };
  const outputPadding: Pair = [missing(0), missing(1)];
  return transposedConvolution(g, weight, { ...convolutionOptions(of), outputPadding });
}

/** One product of the result's gradient with the picture's shifted copies, over all places. */
function weightGradient(x: Tensor, g: Tensor, shape: readonly number[], of: ConvolutionAttributes): Tensor {
  const [out, per, kh, kw] = shape as readonly [number, number, number, number];
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const [, , rows, columns] = g.shape as readonly [number, number, number, number];
  const { groups, strides, dilations } = of;
  const [top, left, bottom, right] = of.padding;
  const padded = of.padding.some((p) => p > 0) ? pad(x, [0, 0, top, left], [0, 0, bottom, right]) : x;
  const taps: Tensor[] = [];
  for (let i = 0; i < kh; i++)
    for (let j = 0; j < kw; j++) {
      const start = [i * dilations[0], j * dilations[1]] as const;
      const whole = rows === h && columns === w && kh * kw === 1 && strides[0] === 1 && strides[1] === 1;
      const tap = whole
        ? padded
        : slice(
            padded,
            { axis: 2, start: start[0], end: start[0] + (rows - 1) * strides[0] + 1, step: strides[0] },
            { axis: 3, start: start[1], end: start[1] + (columns - 1) * strides[1] + 1, step: strides[1] },
          );
      taps.push(reshape(tap, [n, groups, c / groups, rows * columns]));
    }
  const product = matmul(reshape(g, [n, groups, out / groups, rows * columns]), swapLast(concat(taps, 2)));
  const perTap = reshape(sum(product, [0]), [out, kh * kw, per]);
  return reshape(transpose(perTap, [0, 2, 1]), shape);
}

function convolutionOptions(of: ConvolutionAttributes) {
  return { stride: of.strides, padding: of.padding, dilation: of.dilations, groups: of.groups };
}

/** A kernel of equal weights for each channel. */
export function meanKernel(channels: number, kernel: Pair): Tensor {
  const area = kernel[0] * kernel[1];
  return constant(new Float32Array(channels * area).fill(1 / area), [channels, 1, ...kernel]);
}
