/** The log of a training run: one JSON object per line. Resuming a run drops the lines after its checkpoint. */

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { writeWholeNow } from "../files/write-whole.ts";
import { writing } from "../files/writing.ts";
import type { StepReport, TrainingListener } from "./training-listener.ts";

/** One line of the log. */
export type LogEntry =
  | ({ kind: "step" } & Omit<StepReport, "totalSteps">)
  | { kind: "evaluation"; step: number; metrics: Record<string, number>; best: boolean };

/** Writes each step and evaluation to `file` at once, so that a killed run loses nothing. */
export function jsonLinesLog(file: string): TrainingListener {
  const append = (entry: LogEntry): Promise<void> =>
    writing(file, () => appendFileSync(file, `${JSON.stringify(entry)}\n`));
  return {
    started: ({ step }) =>
      writing(file, () => {
        const kept = step > 0 && existsSync(file) ? readLog(file).filter((entry) => entry.step <= step) : [];
        writeWholeNow(file, kept.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
      }),
    stepped: ({ totalSteps: _, ...report }) => append({ kind: "step", ...report }),
    evaluated: (evaluation) => append({ kind: "evaluation", ...evaluation }),
  };
}

/** The entries of a log; an incomplete line of a killed run is skipped. */
export function readLog(file: string): LogEntry[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as LogEntry];
      } catch {
        return [];
      }
    });
}
