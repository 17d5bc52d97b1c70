/** Bilinear sampling as a sum over the four pixels around each point, for gradients of operations that read between pixels. */

import {
  add,
  cast,
  constant,
  equal,
  expand,
  floor,
  gather,
  matmul,
  maximum,
  minimum,
  multiply,
  reshape,
  scatterAddRows,
  subtract,
  swapLast,
  type Tensor,
  transpose,
} from "../tensor/index.ts";

type Sizes = readonly [number, number, number, number];

export interface Corners {
  /** Rows of the table of all pixels [n·h·w,c] that each point reads [n,4,s]. */
  pixels: Tensor;
  /** The weight of each row [n,4,s]; 0 outside the picture. */
  shares: Tensor;
}

/** The pixels of x [n,c,h,w] around fractional rows and columns [n,s]. */
export function cornersOf(x: Tensor, rows: Tensor, columns: Tensor): Corners {
  const [n, , h, w] = x.shape as Sizes;
  const s = rows.shape[1]!;
  const vertical = ends(reshape(rows, [n, 1, s]), h);
  const horizontal = ends(reshape(columns, [n, 1, s]), w);
  const down = (of: Tensor) => reshape(of, [n, 2, 1, s]);
  const across = (of: Tensor) => reshape(of, [n, 1, 2, s]);
  const picture = constant(
    Float32Array.from({ length: n }, (_, i) => i * h * w),
    [n, 1, 1],
  );
  const starts = add(multiply(vertical.place, w), picture);
  return {
    pixels: reshape(add(down(starts), across(horizontal.place)), [n, 4, s]),
    shares: reshape(multiply(down(vertical.share), across(horizontal.share)), [n, 4, s]),
  };
}

/** The whole numbers below and above fractional positions [n,1,s], clamped to 0..size-1 [n,2,s], and their weights. */
function ends(at: Tensor, size: number): { place: Tensor; share: Tensor } {
  const pair = (below: number, above: number) => constant([below, above], [1, 2, 1]);
  const low = floor(at);
  const both = add(low, pair(0, 1));
  const place = minimum(maximum(both, 0), size - 1);
  const share = add(multiply(subtract(at, low), pair(-1, 1)), pair(1, 0));
  return { place, share: multiply(share, cast(equal(place, both), "float32")) };
}

/** Gradients of values [n,s,c] read from x [n,c,h,w]: of the weights [n,4,s] and of x. */
export function readingGradients(x: Tensor, { pixels, shares }: Corners, g: Tensor) {
  const [n, c, h, w] = x.shape as Sizes;
  const places = pixels.count / 4;
  const rows = reshape(cast(swapLast(pixels), "int64"), [places * 4]);
  return {
    shares(): Tensor {
      const table = reshape(transpose(x, [0, 2, 3, 1]), [n * h * w, c]);
      const read = reshape(gather(table, rows), [places, 4, c]);
      return swapLast(reshape(matmul(read, reshape(g, [places, c, 1])), [n, places / n, 4]));
    },
    picture(): Tensor {
      const parts = multiply(reshape(swapLast(shares), [places, 4, 1]), reshape(g, [places, 1, c]));
      const table = scatterAddRows(expand(constant(0), [n * h * w, c]), rows, reshape(parts, [places * 4, c]));
      return transpose(reshape(table, [n, h, w, c]), [0, 3, 1, 2]);
    },
  };
}
