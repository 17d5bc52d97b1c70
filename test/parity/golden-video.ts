/** Reference numbers of video: where they lie, and how they are read and compared. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "..", "..", "..", "shared", "golden", "video");

/** Why a test that needs them is skipped. */
export const needsVideo = existsSync(folder)
  ? false
  : "reads ../shared/golden/video, which is not beside this repository";

/** Where a file of a set lies. */
export function videoFile(...path: string[]): string {
  return join(folder, ...path);
}

/** The names in a folder of the set, sorted. */
export function videoFiles(...path: string[]): string[] {
  return needsVideo ? [] : readdirSync(videoFile(...path)).sort();
}

export function readVideoJson<Content>(...path: string[]): Content {
  return JSON.parse(readFileSync(videoFile(...path), "utf8")) as Content;
}

/** Asserts that two numbers differ by at most `tolerance`; `null` stands for no number. */
export function near(actual: number | null | undefined, expected: number | null, tolerance = 1e-9, what = ""): void {
  const missing = actual === undefined || actual === null || Number.isNaN(actual);
  if (expected === null) assert.ok(missing, `${what}: ${actual}, expected none`);
  else assert.ok(!missing && Math.abs(actual - expected) <= tolerance, `${what}: ${actual}, expected ${expected}`);
}

/** The same for lists. */
export function allNear(
  actual: ArrayLike<number | null | undefined>,
  expected: ArrayLike<number | null>,
  tolerance = 1e-9,
  what = "",
): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  for (let k = 0; k < expected.length; k++) near(actual[k], expected[k]!, tolerance, `${what}[${k}]`);
}
