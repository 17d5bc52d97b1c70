/** Conversions between stored number types and float32, with the roundings of PyTorch. */

import type { StoredArray, StoredDtype } from "./dtype.ts";

/** Numbers of any stored type as float32, equal to PyTorch's `.float()`; float32 comes back as it is, without a copy. */
export function toFloat32(dtype: StoredDtype, data: StoredArray): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof BigInt64Array) return narrowIntegers(data);
  if (dtype === "F16" && data instanceof Uint16Array) return float16ToFloat32(data);
  if (dtype === "BF16" && data instanceof Uint16Array) return bfloat16ToFloat32(data);
  return new Float32Array(data);
}

/** float32 numbers in one of the three float types that files of weights use; rounds to nearest, ties to even. */
export function fromFloat32(dtype: "F32" | "F16" | "BF16", data: Float32Array): StoredArray {
  if (dtype === "F32") return data;
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const narrow = dtype === "F16" ? halfBits : brainBits;
  const out = new Uint16Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = narrow(bits[i]!);
  return out;
}

function narrowIntegers(data: BigInt64Array): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = roundInteger(data[i]!);
  return out;
}

/** Above 2^53 the low bits are folded into one, so that only the conversion to float32 rounds. */
function roundInteger(value: bigint): number {
  const near = Number(value);
  if (Number.isSafeInteger(near)) return near;
  return Number((value >> 11n) | ((value & 2047n) === 0n ? 0n : 1n)) * 2048;
}

function bfloat16ToFloat32(data: Uint16Array): Float32Array {
  const words = new Uint32Array(data.length);
  for (let i = 0; i < words.length; i++) words[i] = data[i]! << 16;
  return new Float32Array(words.buffer);
}

/** Each half is looked up: a few instructions a number, where computing it takes about thirty. */
function float16ToFloat32(data: Uint16Array): Float32Array {
  widened ??= allHalves();
  const out = new Float32Array(data.length);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < data.length; i++) words[i] = widened[data[i]!]!;
  return out;
}

/** The float32 bits of every half, made at first use. */
let widened: Uint32Array | undefined;

function allHalves(): Uint32Array {
  const words = new Uint32Array(2 ** 16);
  const numbers = new Float32Array(words.buffer);
  for (let half = 0; half < words.length; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 0) numbers[half] = (sign ? -1 : 1) * fraction * 2 ** -24;
    else words[half] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
  }
  return words;
}

function halfBits(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // not a number
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and more
  if (magnitude >= 0x38800000) return sign | (roundToEven(magnitude, 13) - (112 << 10)); // 2^-14 and more
  const shift = 126 - (magnitude >>> 23); // subnormal: the fraction with its hidden bit, counted in 2^-24
  return shift > 24 ? sign : sign | roundToEven((magnitude & 0x7fffff) | 0x800000, shift);
}

const brainBits = (word: number): number =>
  (word & 0x7fffffff) > 0x7f800000 ? ((word >>> 16) & 0x8000) | 0x7fc0 : roundToEven(word, 16);

/** Drops low bits, rounding to nearest and ties to even. */
const roundToEven = (word: number, bits: number): number =>
  (word + 2 ** (bits - 1) - 1 + ((word >>> bits) & 1)) >>> bits;
