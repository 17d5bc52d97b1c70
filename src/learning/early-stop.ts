/** Ends a run whose metric no longer rises (GLIP `AUTO_TERMINATE_PATIENCE`, `engine/trainer.py`). */

import { RecipeError } from "../errors.ts";
import type { Json, Restorable } from "./json.ts";
import type { TrainingListener } from "./training-listener.ts";

/** Give it to `train` three times: as listener, as restorable, and its `signal`. */
export class EarlyStop implements TrainingListener, Restorable {
  private readonly controller = new AbortController();
  private best: number | null = null;
  private waited = 0;

  /** Ends the run after `patience` evaluations in a row below the best one before. */
  constructor(private readonly options: { metric: string; patience: number }) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Throws a RecipeError that lists the metrics if none has the given name. */
  evaluated({ metrics }: { metrics: Record<string, number> }): void {
    const { metric } = this.options;
    const value = metrics[metric];
    if (value === undefined)
      throw new RecipeError(
        `early stop: no metric is named ${metric}; watch one of ${Object.keys(metrics).join(", ")}`,
      );
    if (this.best === null || value >= this.best) {
      this.best = value;
      this.waited = 0;
    } else this.waited++;
    this.stopWhenDue();
  }

  save(): Json {
    return [this.best, this.waited];
  }

  /** A run that had ended ends again at once. */
  restore(state: Json): void {
    const [best, waited] = Array.isArray(state) ? state : [];
    if (typeof waited !== "number" || !(best === null || typeof best === "number"))
      throw new RecipeError("early stop: the checkpoint has no state of an early stop; start a new run");
    [this.best, this.waited] = [best, waited];
    this.stopWhenDue();
  }

  private stopWhenDue(): void {
    if (this.waited >= this.options.patience) this.controller.abort();
  }
}
