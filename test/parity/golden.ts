/** Reference numbers of a GLIP, and how ours are compared with them: within four times the reference's rounding error. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openWeights } from "../../src/weights/open-weights.ts";

const repository = join(import.meta.dirname, "..", "..");
const folder = join(repository, "..", "shared", "golden", "glip-nano");

/** The small GLIP with stored numbers, if it is next to the repository. */
export const glipNano = existsSync(folder) ? folder : undefined;
/** The reason why a test that needs it is skipped. */
export const needsGlipNano = glipNano ? false : "reads ../shared/golden/glip-nano, which is not beside this repository";

/** Maximum difference, in units of the reference's rounding error. */
export const MOST = 4;

/** The description of an array. */
interface Entry {
  shape: number[];
  /** Only every n-th number is stored, row by row. */
  stride?: number;
  /** Largest number of the whole array. */
  absmax?: number;
  /** Difference between the reference in float32 and in float64. */
  fp32_vs_fp64_maxabs?: number;
}

export interface Golden<Meta> {
  meta: Meta;
  names: readonly string[];
  /** Shape of the whole array. */
  shape(name: string): readonly number[];
  floats(name: string): Promise<Float32Array>;
  integers(name: string): Promise<number[]>;
  entry(name: string): Entry;
  close(): Promise<void>;
}

/** Opens `STEM.safetensors` and `STEM.json`. */
export async function openGolden<Meta>(stem: string): Promise<Golden<Meta>> {
  const file = await openWeights(`${stem}.safetensors`);
  const { meta, tensors } = JSON.parse(readFileSync(`${stem}.json`, "utf8")) as {
    meta: Meta;
    tensors: Record<string, Entry>;
  };
  const entry = (name: string) => {
    assert.ok(tensors[name], `${stem}.json says nothing of ${name}`);
    return tensors[name];
  };
  return {
    meta,
    names: file.names,
    shape: (name) => entry(name).shape,
    floats: (name) => file.readFloat32(name),
    integers: async (name) => Array.from(await file.read(name), Number),
    entry,
    close: () => file.close(),
  };
}

/** Collects all differences that are too large, so that one failure shows them all. */
export class Comparison {
  private readonly wrong: string[] = [];
  private count = 0;

  /** `fewStep`: minimum noise of arrays with fewer than 16 numbers, as a fraction of the largest; 2⁻²¹ for CLIP's second implementation. */
  constructor(private readonly fewStep = 2 ** -23) {}

  /**
   * Compares with a stored array. The noise is at least 2⁻²³ of the largest number, because for arrays of a few numbers the measured noise
   * can be smaller than float32's step by chance.
   */
  async add(golden: Golden<unknown>, name: string, actual: ArrayLike<number>): Promise<void> {
    const expected = await golden.floats(name);
    const {
      shape,
      stride = 1,
      absmax = Math.max(...expected.map(Math.abs)),
      fp32_vs_fp64_maxabs = 0,
    } = golden.entry(name);
    const whole = shape.reduce((product, size) => product * size, 1);
    assert.deepEqual([actual.length, expected.length], [whole, Math.ceil(whole / stride)], `${name}: size`);
    const error = expected.reduce((most, value, i) => Math.max(most, Math.abs(actual[i * stride]! - value)), 0);
    const noise = Math.max(fp32_vs_fp64_maxabs, absmax * (whole < 16 ? this.fewStep : 2 ** -23));
    this.count++;
    if (!(error <= MOST * noise)) this.wrong.push(`${name}: off by ${error}, ${error / noise} times the noise`);
  }

  /** Something else that is wrong. */
  note(problem: string): void {
    this.wrong.push(problem);
  }

  /** Whether all arrays were near enough so far. */
  get passes(): boolean {
    return this.wrong.length === 0;
  }

  /** Asserts that this many arrays were compared and that all were close enough. */
  finish(count: number): void {
    assert.deepEqual(this.wrong, []);
    assert.equal(this.count, count);
  }
}
