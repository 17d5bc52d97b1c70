/** Checks whether a weights file fits a model. */

import { WeightsError } from "../errors.ts";
import type { WeightsFile } from "./weights-file.ts";

/** A parameter that a model declares. */
export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Allowed differences, as patterns over names. */
export interface FitOptions {
  /** Parameters that the file may lack. */
  readonly mayMiss?: RegExp;
  /** Tensors of the file that the model may ignore. */
  readonly mayBeUnused?: RegExp;
}

/** Lines of each kind that a message shows. */
const MOST_LINES = 20;

/**
 * Reports every mismatch at once, before reading tensor data. Throws one `WeightsError` that lists every parameter
 * that is missing, every tensor that is unused and every one of another shape; after 20 of a kind the rest is only counted.
 */
export function checkFit(
  parameters: Iterable<NamedShape>,
  file: Pick<WeightsFile, "entries">,
  options: FitOptions = {},
): void {
  const model = new Map([...parameters].map(({ name, shape }) => [name, shape]));
  const missing = [...model].filter(([name]) => !file.entries.has(name) && !allowed(options.mayMiss, name));
  const unused = [...file.entries.values()].filter(
    ({ name }) => !model.has(name) && !allowed(options.mayBeUnused, name),
  );
  const reshaped = [...model].flatMap(([name, shape]) => {
    const entry = file.entries.get(name);
    return entry && String(entry.shape) !== String(shape) ? [{ name, shape, stored: entry.shape }] : [];
  });
  const counts = [
    ...(missing.length ? [`${missing.length} missing`] : []),
    ...(unused.length ? [`${unused.length} unused`] : []),
    ...(reshaped.length ? [`${reshaped.length} of another shape`] : []),
  ];
  if (counts.length === 0) return;
  const lines = [
    ...limitedLines(
      "missing",
      missing.map(([name, shape]) => `${name} ${sizes(shape)}`),
    ),
    ...limitedLines(
      "unused",
      unused.map(({ name, shape }) => `${name} ${sizes(shape)}`),
    ),
    ...limitedLines(
      "shape",
      reshaped.map(({ name, shape, stored }) => `${name}: model ${sizes(shape)}, file ${sizes(stored)}`),
    ),
  ];
  throw new WeightsError(["checkpoint does not fit the model: " + counts.join(", "), ...lines].join("\n"));
}

/**
 * Reads every parameter of a model out of a file, as float32, after `checkFit`. Parameters that the file lacks, as `mayMiss` allows,
 * are not in the result.
 */
export async function loadWeights(
  parameters: Iterable<NamedShape>,
  file: WeightsFile,
  options: FitOptions = {},
): Promise<Map<string, Float32Array>> {
  const wanted = [...parameters];
  checkFit(wanted, file, options);
  return readWeights(wanted, file);
}

/** Reads those of the parameters that a file has, as float32. */
export async function readWeights(
  parameters: Iterable<Pick<NamedShape, "name">>,
  file: WeightsFile,
): Promise<Map<string, Float32Array>> {
  const weights = new Map<string, Float32Array>();
  for (const { name } of parameters) if (file.entries.has(name)) weights.set(name, await file.readFloat32(name));
  return weights;
}

const allowed = (pattern: RegExp | undefined, name: string): boolean =>
  pattern !== undefined && name.search(pattern) >= 0;

const sizes = (shape: readonly number[]): string => `[${shape.join(", ")}]`;

function limitedLines(kind: string, lines: readonly string[]): string[] {
  const shown = lines.slice(0, MOST_LINES).map((line) => `  ${kind.padEnd(7)}  ${line}`);
  const rest = lines.length - shown.length;
  return rest > 0 ? [...shown, `  ${kind.padEnd(7)}  and ${rest} more`] : shown;
}
