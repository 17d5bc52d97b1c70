/** Events of a training run, for logs, progress, curves and callbacks of a recipe. */

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
  /** The schedule's factor. */
  learningRateFactor: number;
  pictures: number;
  /** Seconds for the whole step. */
  seconds: number;
  /** Seconds of the step spent waiting for a batch. */
  waited: number;
}

/** All methods are optional. A listener that throws ends the run. */
export interface TrainingListener {
  /** Before the first step; `step` is above 0 for a resumed run. */
  started?(run: { step: number; totalSteps: number }): void | Promise<void>;
  /** After each step. */
  stepped?(report: StepReport): void | Promise<void>;
  /** After each evaluation, with its scores by name. */
  evaluated?(evaluation: { step: number; metrics: Record<string, number>; best: boolean }): void | Promise<void>;
  /** After a checkpoint is written. */
  saved?(checkpoint: { step: number; file: string }): void | Promise<void>;
  /** After the last step, an interruption, or an error in a run that had started. */
  ended?(): void | Promise<void>;
}
