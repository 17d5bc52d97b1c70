/** Sampling between pixels: resizing, grid sampling, RoIAlign, deformable convolution. */

import { ShapeError } from "../errors.ts";
import type { None, Pair } from "./operations.ts";
import { picture } from "./products.ts";
import { currentScope } from "./scope.ts";
import { Tensor } from "./tensor.ts";

const none: None = {};
/** Whether the centres of the corner pixels are aligned, or the outer edges of the pixels. */
export type Corners = "aligned" | "half-pixel";

/**
 * The source of each of `size` positions among `from` for nearest neighbour: floor(i · from / size) in float32, as in PyTorch's `nearest`.
 */
export function nearestSources(from: number, size: number): number[] {
  const scale = Math.fround(from / size);
  return Array.from({ length: size }, (_, i) => Math.min(Math.floor(Math.fround(i * scale)), from - 1));
}

/** Nearest neighbour to [height, width], with the sources of `nearestSources`. */
export function resizeNearest(x: Tensor, [height, width]: Pair): Tensor {
  const [n, c, h, w] = picture("resizeNearest", x, [x.shape]);
  return h === height && w === width ? x : new Tensor("resizeNearest", [x], none, [n, c, height, width], x.type);
}

/** Bilinear without antialiasing, with aligned corners or half-pixel centres. */
export function resizeLinear(x: Tensor, [height, width]: Pair, corners: Corners): Tensor {
  const [n, c, h, w] = picture("resizeLinear", x, [x.shape]);
  return h === height && w === width ? x : new Tensor("resizeLinear", [x], { corners }, [n, c, height, width], x.type);
}

/** Bilinear values of x [n,c,h,w] at grid [n,h',w',2] of (x, y) in -1..1; zeros outside. */
export function gridSample(x: Tensor, grid: Tensor, corners: Corners = "half-pixel"): Tensor {
  const shapes = [x.shape, grid.shape];
  const [n, c] = picture("gridSample", x, shapes);
  const [pictures, rows, columns, two] = picture("gridSample", grid, shapes);
  if (pictures !== n || two !== 2)
    throw new ShapeError("gridSample", `the grid is not [${n}, h, w, 2]`, shapes, currentScope());
  return new Tensor("gridSample", [x, grid], { corners }, [n, c, rows, columns], x.type);
}

/** The size of the result, the scale of the boxes and the samples per cell. */
export interface RoiAlignOptions {
  /** Bins (rows, columns). */
  size: Pair;
  /** Scale from box coordinates to the map's, for example 1/16. */
  scale: number;
  /** Samples per bin and axis; 0: the number of pixels in the bin, rounded up. */
  samplingRatio: number;
  /** Whether to shift by half a pixel, as newer implementations do. */
  aligned: boolean;
}

/**
 * Means of bilinear samples in bins of boxes [r,4] xyxy on x [n,c,h,w]; `pictures` [r] int64 has the picture of each box (He et al. 2017).
 * The gradient, only with respect to x, needs boxes within the map if the sampling ratio is 0 and there are several bins a side.
 */
export function roiAlign(x: Tensor, boxes: Tensor, pictures: Tensor, options: RoiAlignOptions): Tensor {
  const shapes = [x.shape, boxes.shape, pictures.shape];
  const [, c] = picture("roiAlign", x, shapes);
  if (
    boxes.rank !== 2 ||
    boxes.shape[1] !== 4 ||
    pictures.rank !== 1 ||
    pictures.count !== boxes.shape[0] ||
    pictures.type !== "int64"
  )
    throw new ShapeError("roiAlign", "needs boxes [r,4] and int64 pictures [r]", shapes, currentScope());
  return new Tensor("roiAlign", [x, boxes, pictures], { ...options }, [boxes.shape[0]!, c, ...options.size], x.type);
}

/** Stride, padding and dilation in pixels, and groups of channels. */
export interface DeformableOptions {
  bias: Tensor;
  stride?: number;
  padding?: number;
  groups?: number;
}

/**
 * Modulated deformable convolution (Zhu et al. 2019): each tap of the kernel reads x [n,c,h,w] at a position shifted by offset [n, 2·kh·kw,
 * h', w'] (dy and dx of each tap) and is multiplied by mask [n, kh·kw, h', w']; weight [out,c/groups,kh,kw].
 */
export function deformableConvolution(
  x: Tensor,
  offset: Tensor,
  mask: Tensor,
  weight: Tensor,
  options: DeformableOptions,
): Tensor {
  const { bias, stride = 1, padding = 1, groups = 1 } = options;
  const shapes = [x.shape, offset.shape, mask.shape, weight.shape, bias.shape];
  const [n, c, h, w] = picture("deformableConvolution", x, shapes);
  const [out, from, kh, kw] = picture("deformableConvolution", weight, shapes);
  const rows = Math.floor((h + 2 * padding - kh) / stride) + 1;
  const columns = Math.floor((w + 2 * padding - kw) / stride) + 1;
  const fits = (t: Tensor, channels: number) => String(t.shape) === String([n, channels, rows, columns]);
  if (from * groups !== c || out % groups !== 0 || bias.count !== out)
    throw new ShapeError("deformableConvolution", `${c} channels do not match weight and bias`, shapes, currentScope());
  if (!fits(offset, 2 * kh * kw) || !fits(mask, kh * kw))
    throw new ShapeError(
      "deformableConvolution",
      `offset and mask are not for ${rows} x ${columns} places`,
      shapes,
      currentScope(),
    );
  return new Tensor(
    "deformableConvolution",
    [x, offset, mask, weight, bias],
    { stride, padding, groups },
    [n, out, rows, columns],
    x.type,
  );
}
