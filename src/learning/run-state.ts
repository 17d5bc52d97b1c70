/** Saves a training run as a checkpoint and restores it. */

import { RecipeError, WeightsError } from "../errors.ts";
import type { BatchSource } from "./batch-source.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Json, Restorable } from "./json.ts";
import type { NamedArrays, Optimizer } from "./optimizer.ts";

/** The parts of a run that change from step to step. */
export interface RunParts {
  weights: NamedArrays;
  average: NamedArrays | undefined;
  optimizer: Optimizer;
  source: Pick<BatchSource<unknown>, "position" | "restore">;
  restorables: Record<string, Restorable>;
}

/** The counters of the loop. */
export interface RunNumbers {
  step: number;
  best: number | undefined;
  meanLoss: number | undefined;
}

/** A checkpoint of the current run; its arrays are not copies. */
export function captureRun(parts: RunParts, { step, best, meanLoss }: RunNumbers, recipe: Json): Checkpoint {
  const { weights, average, optimizer, source } = parts;
  const restorables = Object.fromEntries(Object.entries(parts.restorables).map(([name, part]) => [name, part.save()]));
  const state = { step, best: best ?? null, meanLoss: meanLoss ?? null, data: source.position(), restorables, recipe };
  return { weights, ...(average && { average }), optimizer: optimizer.save(), state };
}

/** Restores a run from a checkpoint. Throws WeightsError or RecipeError, before any change, if it does not fit. */
export function restoreRun(parts: RunParts, checkpoint: Checkpoint): RunNumbers {
  const { step, best, meanLoss, data, restorables } = checkpoint.state;
  const states = (restorables ?? {}) as { [name: string]: Json };
  const missing = Object.keys(parts.restorables).filter((name) => !(name in states));
  if (typeof step !== "number" || data === undefined || missing.length) {
    throw new RecipeError(
      `the checkpoint belongs to another kind of run: it has no ${["step or data", ...missing].join(", ")}`,
    );
  }
  checkFit("weights", parts.weights, checkpoint.weights);
  checkFit("moving average", parts.average ?? new Map(), checkpoint.average ?? new Map());
  parts.optimizer.restore(checkpoint.optimizer);
  for (const [name, part] of Object.entries(parts.restorables)) part.restore(states[name]!);
  parts.source.restore(data);
  copyInto(parts.weights, checkpoint.weights);
  if (parts.average && checkpoint.average) copyInto(parts.average, checkpoint.average);
  return { step, best: numberOrNone(best), meanLoss: numberOrNone(meanLoss) };
}

function checkFit(what: string, model: NamedArrays, file: NamedArrays): void {
  const lines: string[] = [];
  for (const [name, { length }] of model) {
    const stored = file.get(name);
    if (!stored) lines.push(`  missing  ${name}`);
    else if (stored.length !== length) lines.push(`  size     ${name}: run ${length}, file ${stored.length}`);
  }
  for (const name of file.keys()) if (!model.has(name)) lines.push(`  unused   ${name}`);
  if (lines.length) throw new WeightsError(`checkpoint does not fit the run's ${what}:\n${lines.join("\n")}`);
}

function copyInto(target: NamedArrays, source: NamedArrays): void {
  for (const [name, values] of source) target.get(name)!.set(values);
}

function numberOrNone(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}
