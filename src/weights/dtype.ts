/** The number types in weight files, and the typed array for each. */

const arrays = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

/** A number type as safetensors names it. F16 and BF16 are raw 16 bits, BOOL is bytes 0 and 1. */
export type StoredDtype = keyof typeof arrays;

/** The numbers of one stored tensor in their own type. */
export type StoredArray =
  | Float64Array
  | Float32Array
  | Uint16Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array;

/** Whether a text from a file is a number type. */
export const isStoredDtype = (word: unknown): word is StoredDtype =>
  typeof word === "string" && Object.hasOwn(arrays, word);

/** Bytes of one element. */
export const itemSize = (dtype: StoredDtype): number => arrays[dtype].BYTES_PER_ELEMENT;

/** Views bytes as numbers without a copy; they must be whole elements. */
export const asStoredArray = (dtype: StoredDtype, bytes: ArrayBuffer): StoredArray => new arrays[dtype](bytes);

/** Most dimensions that a file may give a tensor: PyTorch's own limit. */
const MOST_DIMENSIONS = 64;

/** Number of elements of a shape from a file, or undefined if it is not a list of sizes or too large. */
export function elementCount(shape: unknown): number | undefined {
  if (!Array.isArray(shape) || shape.length > MOST_DIMENSIONS) return undefined;
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) return undefined;
  if (shape.includes(0)) return 0;
  const count: number = shape.reduce((product, size) => product * size, 1);
  return Number.isSafeInteger(count) ? count : undefined;
}
