/** Ends a run whose metric no longer rises (GLIP `AUTO_TERMINATE_PATIENCE`, `engine/trainer.py`). */

import type { TrainingListener } from "./training-listener.ts";

/** Give it to `train` twice: as listener, and its `signal`. */
export class EarlyStop implements TrainingListener {
  private readonly controller = new AbortController();
  private best = Number.NEGATIVE_INFINITY;
  private waited = 0;

  /** Ends the run at the evaluation that is the `patience`th in a row below the best before it. */
  constructor(private readonly options: { metric: string; patience: number }) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  evaluated({ metrics }: { metrics: Record<string, number> }): void {
    const value = metrics[this.options.metric]!;
    if (value >= this.best) {
      this.best = value;
      this.waited = 0;
    } else if (++this.waited >= this.options.patience) this.controller.abort();
  }
}
