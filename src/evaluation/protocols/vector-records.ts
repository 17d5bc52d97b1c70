/** Reads the vectors that an encoder gave to photos, captions and classes, one record per line. */

import { readJsonLines } from "../../data/readers/json.ts";
import { isRecord } from "../../data/readers/values.ts";
import { InputError } from "../../errors.ts";
import { toUnit, type UnitVector } from "../../tasks/classifying/unit-vectors.ts";
import type { Vector } from "./embedding-request.ts";

/** Vectors of a file by their keys. */
export type VectorsByKey = ReadonlyMap<string, Float32Array>;

/** Vectors that are not normalised, by the kind of record ("image", "class") and their key. Throws InputError with file and line. */
export async function readVectorRecords<Kind extends string>(
  file: string,
  kinds: readonly Kind[],
): Promise<Record<Kind, Map<string, Float32Array>>> {
  const found = Object.fromEntries(kinds.map((kind) => [kind, new Map()])) as Record<Kind, Map<string, Float32Array>>;
  let width: number | undefined;
  for await (const { line, record } of readJsonLines(file)) {
    const kind = kinds.find((one) => isRecord(record) && typeof record[one] === "string");
    const { vector } = isRecord(record) ? record : {};
    if (kind === undefined || !isVector(vector))
      throw new InputError(`${file}:${line}: must have ${kinds.join(" or ")}, and its vector`);
    width ??= vector.length;
    if (vector.length !== width)
      throw new InputError(`${file}:${line}: has a vector of ${vector.length} numbers, others have ${width}`);
    found[kind].set(String((record as Record<Kind, unknown>)[kind]), Float32Array.from(vector));
  }
  return found;
}

/** The unit vectors of keys in order. Throws InputError that names the keys without one. */
export function unitVectorsOf(file: string, vectors: VectorsByKey, keys: readonly string[]): UnitVector[] {
  return vectorsOf(file, vectors, keys).map(toUnit);
}

/** The vectors of keys in order, as they are in the file. */
export function vectorsOf(file: string, vectors: VectorsByKey, keys: readonly string[]): Float32Array[] {
  const missing = keys.filter((key) => !vectors.has(key));
  if (missing.length === 0) return keys.map((key) => vectors.get(key)!);
  const few = missing.slice(0, 5).join(", ");
  throw new InputError(
    `${file}: has no vector of ${few}${missing.length > 5 ? ` and ${missing.length - 5} others` : ""}; is it of another dataset?`,
  );
}

function isVector(value: unknown): value is Vector {
  return Array.isArray(value) && value.length > 0 && value.every((one) => Number.isFinite(one));
}
