/** Bilinear sampling from gathered rows, for the gradients of operations that read between pixels. */

import {
  add,
  cast,
  clamp,
  constant,
  floor,
  gather,
  greater,
  less,
  matmul,
  multiply,
  type Operand,
  reshape,
  slice,
  subtract,
  swapLast,
  type Tensor,
  transpose,
} from "../tensor/index.ts";

/**
 * Values of x [n,c,h,w] at fractional rows and columns [n,s]: [n,s,c]. Corners outside the picture count as zero.
 */
export function bilinearRows(x: Tensor, rows: Tensor, columns: Tensor): Tensor {
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const table = reshape(transpose(x, [0, 2, 3, 1]), [n * h * w, c]);
  const picture = constant(
    Float32Array.from({ length: n }, (_, i) => i * h * w),
    [n, 1],
  );
  const top = floor(rows);
  const left = floor(columns);
  const corner = (row: Tensor, column: Tensor, share: Tensor): Tensor => {
    const inside = multiply(within(row, h), within(column, w));
    const place = add(add(multiply(clamp(row, 0, h - 1), w), clamp(column, 0, w - 1)), picture);
    return multiply(gather(table, cast(place, "int64")), reshape(multiply(share, inside), [...rows.shape, 1]));
  };
  const down = subtract(rows, top);
  const along = subtract(columns, left);
  const up = subtract(1, down);
  const back = subtract(1, along);
  const corners = [
    corner(top, left, multiply(up, back)),
    corner(top, add(left, 1), multiply(up, along)),
    corner(add(top, 1), left, multiply(down, back)),
    corner(add(top, 1), add(left, 1), multiply(down, along)),
  ];
  return corners.reduce((sum, part) => add(sum, part));
}

/** 1 where a whole number lies in 0..size-1, else 0. */
function within(at: Tensor, size: Operand): Tensor {
  return multiply(cast(greater(at, -0.5), "float32"), cast(less(at, subtractHalf(size)), "float32"));
}

function subtractHalf(size: Operand): Operand {
  return typeof size === "number" ? size - 0.5 : subtract(size, 0.5);
}

/** Modulated deformable convolution as gathered rows and one product (semantics of `deformableConvolution`). */
export function deformableByRows(
  [x, offset, mask, weight, bias]: readonly [Tensor, Tensor, Tensor, Tensor, Tensor],
  { stride, padding }: { stride: number; padding: number },
): Tensor {
  const [n, c] = x.shape as readonly [number, number, number, number];
  const [out, , kh, kw] = weight.shape as readonly [number, number, number, number];
  const [, , rows, columns] = mask.shape as readonly [number, number, number, number];
  const taps = kh * kw;
  const places = rows * columns;
  const moves = reshape(offset, [n, taps, 2, places]);
  const move = (axis: 0 | 1) => reshape(slice(moves, { axis: 2, start: axis, end: axis + 1 }), [n, taps * places]);
  const rest = (of: (tap: number, place: number) => number) =>
    constant(
      Float32Array.from({ length: taps * places }, (_, i) => of(Math.floor(i / places), i % places)),
      [1, taps * places],
    );
  const row = add(
    move(0),
    rest((tap, place) => Math.floor(place / columns) * stride - padding + Math.floor(tap / kw)),
  );
  const column = add(
    move(1),
    rest((tap, place) => (place % columns) * stride - padding + (tap % kw)),
  );
  const values = multiply(bilinearRows(x, row, column), reshape(mask, [n, taps * places, 1]));
  const byPlace = reshape(transpose(reshape(values, [n, taps, places, c]), [0, 2, 1, 3]), [n, places, taps * c]);
  const kernel = reshape(transpose(weight, [0, 2, 3, 1]), [out, taps * c]);
  const product = add(matmul(byPlace, swapLast(kernel)), bias);
  return reshape(swapLast(product), [n, out, rows, columns]);
}
