/** Stops a run that diverges, and keeps the batch that caused it. */

import { join } from "node:path";
import { writeWhole } from "../files/write-whole.ts";
import type { Json } from "./json.ts";

/** Thrown for a loss or gradient that is not finite, or a loss far above its mean. The last checkpoint is unchanged. */
export class DivergenceError extends Error {
  override readonly name = "DivergenceError";
  constructor(
    readonly problem: string,
    /** Steps finished before the failure. */
    readonly step: number,
    readonly losses: Record<string, number>,
    /** The batches of the failed step; empty when the run has no folder. */
    readonly files: readonly string[],
  ) {
    const values = Object.entries(losses).map(([name, value]) => `${name} ${value}`);
    const saved = files.length ? `; what went in is in ${files.join(", ")}` : "";
    super(
      `training stopped after step ${step}: ${problem} (${values.join(", ")})${saved}. Lower the learning rate, or fix the data`,
    );
  }
}

/** The sum of all losses. */
export function totalLoss(losses: Record<string, number>): number {
  return Object.values(losses).reduce((sum, loss) => sum + loss, 0);
}

/** Detects a loss that is not finite, or many times its running mean over about 50 steps. */
export class LossWatch {
  /** The running mean; undefined before the first loss. */
  mean: number | undefined;

  constructor(private readonly factor: number) {}

  /** The problem with a loss, or undefined. */
  problem(loss: number): string | undefined {
    if (!Number.isFinite(loss)) return "the loss is not finite";
    if (this.mean === undefined || this.mean <= 0 || loss <= this.factor * this.mean) return undefined;
    return `the loss is more than ${this.factor} times its running mean ${this.mean}`;
  }

  add(loss: number): void {
    this.mean = this.mean === undefined ? loss : 0.98 * this.mean + 0.02 * loss;
  }
}

/** One batch as it was before the failure. */
export interface FailedBatch {
  /** The data position from which the source makes this batch again. */
  position: Json;
  contents: string | Uint8Array;
}

/** Writes the batches of a failed step, each as a `.json` with losses and position and a `.data`; returns the files. */
export async function saveFailedBatches(
  folder: string,
  { step, problem, losses }: { step: number; problem: string; losses: Record<string, number> },
  batches: readonly FailedBatch[],
): Promise<string[]> {
  const files: string[] = [];
  for (const [index, { position, contents }] of batches.entries()) {
    const file = join(folder, `failed-step-${step}-batch-${index}`);
    const words = Object.fromEntries(Object.entries(losses).map(([name, loss]) => [name, String(loss)]));
    const said = JSON.stringify({ problem, step, losses: words, position }, null, 2);
    await writeWhole(`${file}.json`, said);
    await writeWhole(`${file}.data`, contents);
    files.push(`${file}.json`, `${file}.data`);
  }
  return files;
}

/** A batch as JSON, its typed arrays as lists. */
export function describePlainly(batch: unknown): string {
  return JSON.stringify(batch, (_, value: unknown) => {
    if (value instanceof Map) return Object.fromEntries(value);
    if (ArrayBuffer.isView(value))
      return Array.from(value as Uint8Array, (entry) => (typeof entry === "bigint" ? String(entry) : entry));
    return value;
  });
}
