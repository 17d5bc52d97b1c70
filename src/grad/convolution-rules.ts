/** Gradients of convolutions: products, slices and convolutions, because ONNX Runtime has no gradient kernels. */

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
    bias && wanted[2] ? biasGradient(g) : undefined,
  ];
};

export const transposedConvolutionRule: Rule<"transposedConvolution"> = (y, g, wanted) => {
  const [x, weight, bias] = y.inputs as readonly [Tensor, Tensor, Tensor | undefined];
  const options = convolutionOptions(y.attributes);
  return [
    wanted[0] ? convolution(g, weight, options) : undefined,
    wanted[1] ? weightGradient(g, x, weight.shape, y.attributes) : undefined,
    bias && wanted[2] ? biasGradient(g) : undefined,
  ];
};

/** Products with the values that the convolution read, and from there to the positions it read (see `bilinear.ts`). */
export const deformableConvolutionRule: Rule<"deformableConvolution"> = (y, g, wanted) => {
  const [x, offset, mask, weight] = y.inputs as readonly [Tensor, Tensor, Tensor, Tensor, Tensor];
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
  return [...reading, wanted[3] ? toWeight() : undefined, wanted[4] ? biasGradient(g) : undefined];
};

/** The position that each tap reads along one axis [n,places·taps]: its position in the grid plus offsets [2,n,places,taps]. */
function placed(moves: Tensor, axis: 0 | 1, home: (place: number, tap: number) => number): Tensor {
  const [, n, places, taps] = moves.shape as Sizes;
  const homes = Float32Array.from({ length: places * taps }, (_, i) => home(Math.floor(i / taps), i % taps));
  const moved = reshape(slice(moves, { axis: 0, start: axis, end: axis + 1 }), [n, places * taps]);
  return add(moved, constant(homes, [1, places * taps]));
}

/** [channels] from [n,channels,rows,columns]: a product with ones, because ONNX Runtime is slow at sums of short rows. */
function biasGradient(g: Tensor): Tensor {
  const [n, channels, rows, columns] = g.shape as Sizes;
  const ones = constant(new Float32Array(rows * columns).fill(1), [rows * columns, 1]);
  return reshape(sum(matmul(reshape(g, [n, channels, -1]), ones), [0]), [channels]);
}

/** A full correlation with the flipped kernel where strides are 1; a transposed convolution otherwise. */
function pictureGradient(g: Tensor, weight: Tensor, x: Tensor, of: ConvolutionAttributes): Tensor {
  const [out, per, kh, kw] = weight.shape as Sizes;
  const isDepthwise = per === 1 && out === of.groups;
  const isPlain = of.strides.every((s) => s === 1) && of.dilations.every((d) => d === 1);
  if (isPlain && (isDepthwise || of.groups === 1)) {
    const taps = reshape(weight, [out, per, kh * kw]);
    const flat = isDepthwise ? taps : transpose(taps, [1, 0, 2]);
    const flipped =
      kh * kw === 1 ? flat : gather(flat, indices(Array.from({ length: kh * kw }, (_, i) => kh * kw - 1 - i)), 2);
    const [top, left, bottom, right] = of.padding;
    const padding: Padding = [kh - 1 - top, kw - 1 - left, kh - 1 - bottom, kw - 1 - right];
    if (padding.every((p) => p >= 0))
      return convolution(g, reshape(flipped, [...flat.shape.slice(0, 2), kh, kw]), { padding, groups: of.groups });
  }
  const missing = (axis: 0 | 1) => {
    const kernel = weight.shape[axis + 2]!;
    const reached = (g.shape[axis + 2]! - 1) * of.strides[axis] + of.dilations[axis] * (kernel - 1) + 1;
    return x.shape[axis + 2]! - (reached - of.padding[axis] - of.padding[axis + 2]!);
  };
  const options = convolutionOptions(of);
  const [, , rows, columns] = x.shape as Sizes;
  if (rows * columns > FEW_PLACES)
    return transposedConvolution(g, weight, { ...options, outputPadding: [missing(0), missing(1)] });
  const whole = transposedConvolution(g, weight, { ...options, outputPadding: [of.strides[0] - 1, of.strides[1] - 1] });
  return slice(whole, { axis: 2, end: rows, kept: true }, { axis: 3, end: columns, kept: true });
}

/**
 * Maps with at most this many positions, such as the coarse levels, can have even or odd lengths; the gradient for both is sliced from the
 * longer one's, so that one session serves all picture sizes. Larger maps have even lengths and are not copied for this.
 */
const FEW_PLACES = 2048;

/**
 * One product of copies of the result's gradient, shifted by the taps' rows, with copies of the picture, shifted by their columns: kh + kw
 * copies, where shifting only the picture needs kh·kw. With a row stride, the picture is shifted by rows.
 */
function weightGradient(x: Tensor, g: Tensor, shape: readonly number[], of: ConvolutionAttributes): Tensor {
  const [out, per, kh, kw] = shape as Sizes;
  const [n] = x.shape as Sizes;
  const [, , rows, columns] = g.shape as Sizes;
  const { groups, strides, dilations } = of;
  const [top, left, bottom, right] = of.padding;
  const padded = of.padding.some((p) => p > 0) ? pad(x, [0, 0, top, left], [0, 0, bottom, right]) : x;
  const parted = (map: Tensor, channels: number) => reshape(map, [n, groups, channels, -1]);
  const along = (axis: 0 | 1, tap: number, count: number) => {
    const start = tap * dilations[axis];
    return { axis: axis + 2, start, end: start + (count - 1) * strides[axis] + 1, step: strides[axis] };
  };
  const tapRows = Array.from({ length: kh }, (_, i) => i);
  if (per === 1 && out === groups) {
    // Each channel has its own filter: products of width 1 are slower than sums of the two maps' products.
    const perTap = tapRows.flatMap((i) =>
      Array.from({ length: kw }, (_, j) => {
        const read = slice(slice(padded, along(0, i, rows)), along(1, j, columns));
        return reshape(sum(reshape(multiply(read, g), [n, out, -1]), [0, 2]), [out, 1]);
      }),
    );
    return reshape(concat(perTap, 1), shape);
  }
  const [moving, still] = strides[0] === 1 ? [tapRows, [0]] : [[0], tapRows];
  const last = dilations[0] * (moving.length - 1);
  const slopes = moving.map((i) => {
    const before = i * dilations[0];
    return parted(last > 0 ? pad(g, [0, 0, before, 0], [0, 0, last - before, 0]) : g, out / groups);
  });
  const pictures = still.flatMap((i) =>
    Array.from({ length: kw }, (_, j) => parted(slice(padded, along(0, i, rows + last), along(1, j, columns)), per)),
  );
  const [slope, picture] = [joined(slopes, 2), swapLast(joined(pictures, 2))];
  const product = groups === 1 ? productOfAll(slope, picture) : sum(matmul(slope, picture), [0]);
  const perTap = reshape(product, [groups, moving.length, out / groups, pictures.length, per]);
  return reshape(transpose(perTap, [0, 2, 4, 1, 3]), shape);
}

/** The sum over n of a [n,1,r,places] · b [n,1,places,c] as one product, because many small products would have to be added. */
function productOfAll(a: Tensor, b: Tensor): Tensor {
  const [n, , rows, places] = a.shape as Sizes;
  const wide = reshape(transpose(a, [1, 2, 0, 3]), [rows, n * places]);
  return matmul(wide, reshape(b, [n * places, -1]));
}

function joined(parts: readonly Tensor[], axis: number): Tensor {
  return parts.length === 1 ? parts[0]! : concat(parts, axis);
}

function convolutionOptions(of: ConvolutionAttributes) {
  return { stride: of.strides, padding: of.padding, dilation: of.dilations, groups: of.groups };
}

/** A kernel with equal weights for each channel. */
export function meanKernel(channels: number, kernel: Pair): Tensor {
  const area = kernel[0] * kernel[1];
  return constant(new Float32Array(channels * area).fill(1 / area), [channels, 1, ...kernel]);
}
