/** A learning rate that falls when a metric stops rising (as torch.optim.lr_scheduler.ReduceLROnPlateau, mode max). */

import { RecipeError } from "../errors.ts";
import type { Json, Restorable } from "./json.ts";
import type { Schedule } from "./schedules.ts";
import type { TrainingListener } from "./training-listener.ts";

export interface PlateauOptions {
  metric: string;
  /** Allowed evaluations without a rise; the next one lowers the rate (GLIP on ODinW: 3). */
  patience: number;
  factor?: number;
  /** Lowest factor. */
  floor?: number;
  /** A rise must be larger than this fraction of the best value. */
  threshold?: number;
}

/** Give it to `train` three times: as listener, as restorable, and its `schedule` as the learning rate. */
export class Plateau implements TrainingListener, Restorable {
  private scale = 1;
  private best: number | null = null;
  private waited = 0;

  constructor(private readonly options: PlateauOptions) {}

  /** The current factor; does not depend on the step. */
  readonly schedule: Schedule = () => this.scale;

  /** Records the metric; a value of exactly 0 is ignored, as in the GLIP reference. */
  evaluated({ metrics }: { metrics: Record<string, number> }): void {
    const { metric, patience, factor = 0.1, floor = 0, threshold = 1e-4 } = this.options;
    const value = metrics[metric];
    if (value === undefined) {
      throw new RecipeError(`plateau: no metric is named ${metric}; watch one of ${Object.keys(metrics).join(", ")}`);
    }
    if (value === 0) return;
    if (this.best === null || value > this.best * (1 + threshold)) {
      this.best = value;
      this.waited = 0;
    } else if (++this.waited > patience) {
      this.scale = Math.max(floor, this.scale * factor);
      this.waited = 0;
    }
  }

  save(): Json {
    return [this.scale, this.best, this.waited];
  }

  restore(state: Json): void {
    const [scale, best, waited] = Array.isArray(state) ? state : [];
    if (typeof scale !== "number" || typeof waited !== "number" || !(best === null || typeof best === "number")) {
      throw new RecipeError("plateau: the checkpoint has no state of a plateau schedule; start a new run");
    }
    [this.scale, this.best, this.waited] = [scale, best, waited];
  }
}
