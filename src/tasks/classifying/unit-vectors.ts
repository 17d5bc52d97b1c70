/** Vectors of length 1, whose dot products are cosines. */

/** A vector of length 1. The dot product of two is their cosine. */
export type UnitVector = Float32Array;

/** The vectors [n,width] of an encoder, each divided by its length. */
export function unitVectors(vectors: Float32Array, width: number): UnitVector[] {
  return Array.from({ length: vectors.length / width }, (_, i) => toUnit(vectors.subarray(i * width, (i + 1) * width)));
}

/** A vector divided by its length, which counts as at least 1e-12. */
export function toUnit(vector: Float32Array): UnitVector {
  const length = Math.max(Math.sqrt(dot(vector, vector)), 1e-12);
  return vector.map((value) => value / length);
}

/** The mean of vectors of equal length. */
export function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const sums = new Float64Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) for (let i = 0; i < sums.length; i++) sums[i]! += vector[i]!;
  return Float32Array.from(sums, (sum) => sum / vectors.length);
}

/** The dot product of two vectors of equal length; for unit vectors their cosine, -1 to 1. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
