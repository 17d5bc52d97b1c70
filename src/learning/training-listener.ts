/** What a training run tells those who watch it: logs, progress, curves, callbacks of a recipe. */

/** One finished step. */
export interface StepReport {
  /** Steps finished, this one included. */
  step: number;
  totalSteps: number;
  /** Each loss, as the mean over the step's batches. */
  losses: Record<string, number>;
  /** The sum of `losses`. */
  loss: number;
  /** The norm of the gradient before clipping. */
  gradientNorm: number;
  /** What the schedule said. */
  learningRateFactor: number;
  pictures: number;
  /** Seconds for the whole step. */
  seconds: number;
  /** Seconds of these in which the trainer waited for a batch. */
  waited: number;
}

/** Every method may be absent. A listener that throws ends the run. */
export interface TrainingListener {
  /** Before the first step; `step` is above 0 when a run is taken up again. */
  started?(run: { step: number; totalSteps: number }): void | Promise<void>;
  stepped?(report: StepReport): void | Promise<void>;
  evaluated?(evaluation: { step: number; metrics: Record<string, number>; best: boolean }): void | Promise<void>;
  saved?(checkpoint: { step: number; file: string }): void | Promise<void>;
  /** After the last step, an interruption, or an error in a run that had started. */
  ended?(): void | Promise<void>;
}
