/** Reference numbers of a GLIP, and how ours are held against them: within four times the reference's own rounding. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openWeights } from "../../src/weights/open-weights.ts";

const repository = join(import.meta.dirname, "..", "..");
const folder = join(repository, "..", "shared", "golden", "glip-nano");

/** The small GLIP with stored numbers, where it lies beside the repository. */
export const glipNano = existsSync(folder) ? folder : undefined;
/** Why a test that needs it is skipped. */
export const needsGlipNano = glipNano ? false : "reads ../shared/golden/glip-nano, which is not beside this repository";

/** Largest difference allowed, in units of the reference's rounding. */
const MOST = 4;

export interface Golden<Meta> {
  meta: Meta;
  names: readonly string[];
  shape(name: string): readonly number[];
  floats(name: string): Promise<Float32Array>;
  integers(name: string): Promise<number[]>;
  /** Difference between the reference in float32 and in float64, where it was measured. */
  noise(name: string): number;
  close(): Promise<void>;
}

/** Opens `STEM.safetensors` with `STEM.json` beside it. */
export async function openGolden<Meta>(stem: string): Promise<Golden<Meta>> {
  const file = await openWeights(`${stem}.safetensors`);
  const { meta, tensors } = JSON.parse(readFileSync(`${stem}.json`, "utf8")) as {
    meta: Meta;
    tensors: Record<string, { fp32_vs_fp64_maxabs?: number }>;
  };
  return {
    meta,
    names: file.names,
    shape: (name) => file.entries.get(name)!.shape,
    floats: (name) => file.readFloat32(name),
    integers: async (name) => Array.from(await file.read(name), Number),
    noise: (name) => tensors[name]?.fp32_vs_fp64_maxabs ?? 0,
    close: () => file.close(),
  };
}

/**
 * Largest difference in units of the noise, which counts as at least 2⁻²³ of the largest number: for arrays of a few numbers
 * the measured one can be smaller than float32's own step by luck.
 */
export function inNoises(actual: ArrayLike<number>, expected: Float32Array, noise: number): number {
  assert.equal(actual.length, expected.length);
  let error = 0;
  let largest = 0;
  expected.forEach((value, i) => {
    const difference = Math.abs(actual[i]! - value);
    error = difference <= error ? error : difference;
    largest = Math.max(largest, Math.abs(value));
  });
  return error === 0 ? 0 : error / Math.max(noise, largest * 2 ** -23);
}

/** Gathers what is too far off, so that one failure shows all. */
export class Comparison {
  private readonly wrong: string[] = [];
  private count = 0;

  add(name: string, actual: ArrayLike<number>, expected: Float32Array, noise: number): void {
    const ratio = inNoises(actual, expected, noise);
    this.count++;
    if (!(ratio <= MOST)) this.wrong.push(`${name}: off by ${ratio.toFixed(1)} times the noise`);
  }

  /** Asserts that there were this many arrays and that all were near enough. */
  finish(count: number): void {
    assert.deepEqual(this.wrong, []);
    assert.equal(this.count, count);
  }
}
