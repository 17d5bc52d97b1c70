/** The progress of a training run: losses, learning rate and time left. */

import { progressText, StepRate } from "../../learning/progress.ts";
import type { TrainingListener } from "../../learning/training-listener.ts";
import { ProgressBar, type ProgressBarOptions } from "./progress-bar.ts";

export interface TrainingProgressOptions extends Pick<ProgressBarOptions, "quiet" | "stream"> {
  /** The text for an evaluation, written on its own line. Without it, evaluations are not shown. */
  evaluated?: (evaluation: { step: number; metrics: Record<string, number> }) => string;
  /** The run may end before its last step. */
  mayEndEarly?: boolean;
}

/** Shows a progress bar from the first step to the last. */
export function trainingProgress({
  evaluated,
  mayEndEarly = false,
  ...options
}: TrainingProgressOptions = {}): TrainingListener {
  const bar = new ProgressBar(options);
  const { stream = process.stderr, quiet } = options;
  const rate = new StepRate();
  return {
    started: ({ step, totalSteps }) => bar.start(totalSteps, step),
    stepped(report) {
      rate.add(report);
      bar.update(report.step, progressText(report, rate, { mayEndEarly }));
    },
    evaluated(evaluation) {
      if (evaluated && !quiet) bar.aside(() => stream.write(`${evaluated(evaluation)}\n`));
    },
    ended: () => bar.stop(),
  };
}
