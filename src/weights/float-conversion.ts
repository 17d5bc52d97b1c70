/** Conversions between stored number types and float32, with the roundings of PyTorch. */

import type { StoredArray, StoredDtype } from "./dtype.ts";

/** Numbers of any stored type as float32, equal to PyTorch's `.float()`; float32 comes back as it is, without a copy. */
export function toFloat32(dtype: StoredDtype, data: StoredArray): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof BigInt64Array) return Float32Array.from(data, roundInteger);
  if (dtype === "F16" && data instanceof Uint16Array) return widenHalf(data);
  if (dtype === "BF16" && data instanceof Uint16Array) {
    return new Float32Array(Uint32Array.from(data, (bits) => bits << 16).buffer);
  }
  return new Float32Array(data);
}

/** float32 numbers in one of the three float types that files of weights use; rounds to nearest, ties to even. */
export function fromFloat32(dtype: "F32" | "F16" | "BF16", data: Float32Array): StoredArray {
  if (dtype === "F32") return data;
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  return Uint16Array.from(bits, dtype === "F16" ? halfBits : brainBits);
}

/** Past 2^53 the low bits are folded into one, so that the one rounding is that to float32. */
function roundInteger(value: bigint): number {
  const near = Number(value);
  if (Number.isSafeInteger(near)) return near;
  return Number((value >> 11n) | ((value & 2047n) === 0n ? 0n : 1n)) * 2048;
}

function widenHalf(data: Uint16Array): Float32Array {
  const out = new Float32Array(data.length);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < data.length; i++) {
    const half = data[i]!;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 0) out[i] = (sign ? -1 : 1) * fraction * 2 ** -24;
    else words[i] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
  }
  return out;
}

function halfBits(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // not a number
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and more
  if (magnitude >= 0x38800000) return sign | (roundAway(magnitude, 13) - (112 << 10)); // 2^-14 and more
  const shift = 126 - (magnitude >>> 23); // subnormal: the fraction with its hidden bit, counted in 2^-24
  return shift > 24 ? sign : sign | roundAway((magnitude & 0x7fffff) | 0x800000, shift);
}

const brainBits = (word: number): number =>
  (word & 0x7fffffff) > 0x7f800000 ? ((word >>> 16) & 0x8000) | 0x7fc0 : roundAway(word, 16);

/** Drops low bits, rounding to nearest and ties to even. */
function roundAway(word: number, bits: number): number {
  const kept = word >>> bits;
  const rest = word - kept * 2 ** bits < 0 ? word + 2 ** 32 - kept * 2 ** bits : word - kept * 2 ** bits;
  const half = 2 ** (bits - 1);
  return rest > half || (rest === half && kept & 1) ? kept + 1 : kept;
}
