/** Tensors that a file stores in another order than row by row. */

import type { StoredArray } from "./dtype.ts";

/** Whether elements of this shape are contiguous; axes of size 1 are ignored. */
export function isRowMajor(shape: readonly number[], strides: readonly number[] | undefined): boolean {
  if (!strides || shape.includes(0)) return true;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

/** Index, from the first, of the element furthest into the storage; -1 for a tensor without elements. */
export const lastElement = (shape: readonly number[], strides: readonly number[]): number =>
  shape.includes(0) ? -1 : shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 0);

/** Copies elements out of a storage, row by row; the caller has checked that they are in it. */
export function gatherStrided(
  storage: StoredArray,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): ArrayBuffer {
  const size = storage.BYTES_PER_ELEMENT;
  const count = shape.reduce((product, length) => product * length, 1);
  const out = new ArrayBuffer(count * size);
  // Eight-byte elements are moved as two words: a float register might change the bits of a NaN.
  const words = size === 8 ? 2 : 1;
  const View = size === 1 ? Uint8Array : size === 2 ? Uint16Array : Uint32Array;
  const from = new View(storage.buffer as ArrayBuffer);
  const to = new View(out);
  const rank = shape.length;
  const place = new Array<number>(rank).fill(0);
  let source = offset;
  for (let target = 0; target < count; target++) {
    for (let word = 0; word < words; word++) to[target * words + word] = from[source * words + word]!;
    for (let axis = rank - 1; axis >= 0; axis--) {
      source += strides[axis]!;
      if (++place[axis]! < shape[axis]!) break;
      source -= strides[axis]! * shape[axis]!;
      place[axis] = 0;
    }
  }
  return out;
}
