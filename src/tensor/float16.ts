/** float32 numbers as the bits of float16. */

const words = new Uint32Array(1);
const float = new Float32Array(words.buffer);

/** Rounds to nearest, ties to even; finite numbers beyond ±65504 become ±65504, so that masks stay finite. */
export function toFloat16(numbers: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(numbers.length);
  for (let i = 0; i < halves.length; i++) halves[i] = halfBits(numbers[i]!);
  return halves;
}

function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65504) return sign | (size === Number.POSITIVE_INFINITY ? 0x7c00 : 0x7bff);
  // Below 2^-14 halves are whole multiples of 2^-24; adding 0.5 in float32 rounds to them and leaves them in the low bits.
  float[0] = size < 2 ** -14 ? size + 0.5 : size;
  const word = words[0]!;
  if (size < 2 ** -14) return sign | (word - 0x3f000000);
  return sign | ((word - (112 << 23) + 0xfff + ((word >>> 13) & 1)) >>> 13);
}
