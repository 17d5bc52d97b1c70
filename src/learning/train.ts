/** The training loop: batches in, weights updated, checkpoints out. A resumed run ends with the same bits. */

import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { InputError, RecipeError } from "../errors.ts";
import { GradientSum } from "./accumulate.ts";
import { performAll } from "./array-work.ts";
import type { BatchSource } from "./batch-source.ts";
import { checkpointExists, readCheckpoint, type Shapes, writeCheckpoint } from "./checkpoint.ts";
import { clipFactor, globalNorm } from "./clip.ts";
import { DivergenceError, describePlainly, LossWatch, saveFailedBatches, totalLoss } from "./divergence.ts";
import { averageTasks, copyNumbers } from "./ema.ts";
import { Interrupted } from "./interruption.ts";
import type { Json, Restorable } from "./json.ts";
import type { NamedArrays, Optimizer } from "./optimizer.ts";
import type { Ranks } from "./ranks.ts";
import { captureRun, type RunParts, restoreRun } from "./run-state.ts";
import type { Schedule } from "./schedules.ts";
import type { StepReport, TrainingListener } from "./training-listener.ts";

/**
 * Losses, whose sum is minimised, and the gradients of that sum for one batch; the loop knows no tensors. The next call may write to the
 * same arrays.
 */
export type TrainingStep<Batch> = (
  weights: NamedArrays,
  batch: Batch,
) => Promise<{ losses: Record<string, number>; gradients: NamedArrays }>;

/** Scores during training. */
export interface Evaluation {
  /** Steps between evaluations; the last step is always evaluated. */
  every: number;
  /** The metric that decides the `best` checkpoint; higher is better. */
  best: string;
  /** Scores the weights; called with the step that is finished. */
  run(model: { weights: NamedArrays; average: NamedArrays | undefined; step: number }): Promise<Record<string, number>>;
}

/** Where and how often the state of a run is saved. */
export interface CheckpointOptions {
  /** Where `last.safetensors`, `best.safetensors` and the batches of a failure go. */
  folder: string;
  /** Steps between checkpoints. */
  every?: number;
  /** Seconds between checkpoints. */
  seconds?: number;
  /** Resumes from `last.safetensors`, or starts if there is none. */
  resume?: boolean;
  /** Shapes of the weights, for the file. */
  shapes?: Shapes;
  /** Stored beside the weights. */
  recipe?: Json;
}

/** What `train` needs: weights, batches, step, optimizer and schedule. */
export interface TrainingOptions<Batch> {
  /** The starting weights; written to in place. */
  weights: NamedArrays;
  step: TrainingStep<Batch>;
  /** The loop does not close it. */
  source: BatchSource<Batch>;
  optimizer: Optimizer;
  totalSteps: number;
  learningRate: Schedule;
  weightDecay?: Schedule;
  /** Largest norm of the whole gradient (GLIP: 1). */
  clip?: number;
  /** Batches for one step of the optimizer; their gradients are averaged. */
  accumulate?: number;
  /** Decay of a moving average of the weights (GLIP: 0.999); without it, no average is kept. */
  averageDecay?: number;
  /** Other state of the run, by name: random generators that `step` uses, a `Plateau`. */
  restorables?: Record<string, Restorable>;
  /** Pictures in a batch, for the rate; default 1. */
  pictures?: (batch: Batch) => number;
  evaluation?: Evaluation;
  checkpoints?: CheckpointOptions;
  /** A loss this many times its running mean ends the run as diverging; default 20. */
  divergence?: number;
  /** Converts a batch that ended the run for its file; default: JSON with typed arrays as lists. */
  describeBatch?: (batch: Batch) => string | Uint8Array;
  listeners?: readonly TrainingListener[];
  /** When aborted, the current step is finished and saved, and `train` returns; all ranks stop if it is aborted in one. */
  signal?: AbortSignal;
  /** The processes that train together, of which `step` takes its part. All load the same checkpoint; the first one writes. */
  ranks?: Ranks;
}

/** How a run ended. */
export interface TrainingResult {
  /** Steps finished, including those before a resume. */
  step: number;
  interrupted: boolean;
  weights: NamedArrays;
  average: NamedArrays | undefined;
  /** The highest value of the evaluation's metric. */
  best: number | undefined;
}

/** Path of a run's checkpoint of this name. */
export function checkpointFile(folder: string, name: "last" | "best"): string {
  return join(folder, `${name}.safetensors`);
}

/**
 * Trains until `totalSteps` or `signal`; throws DivergenceError, InputError if a checkpoint cannot be written, or Interrupted if other ranks
 * have ended, after saving the last step.
 */
export async function train<Batch>(options: TrainingOptions<Batch>): Promise<TrainingResult> {
  const run = new TrainingRun(options);
  await run.start();
  try {
    return await run.go();
  } finally {
    await run.tell("ended");
  }
}

interface TakenBatch<Batch> {
  batch: Batch;
  position: Json;
}

class TrainingRun<Batch> {
  private step = 0;
  private best: number | undefined;
  private savedAt = performance.now();
  private readonly watch: LossWatch;
  private readonly parts: RunParts;

  constructor(private readonly options: TrainingOptions<Batch>) {
    const { weights, optimizer, source, restorables = {}, averageDecay, divergence = 20 } = options;
    const average = averageDecay === undefined ? undefined : copyNumbers(weights);
    this.parts = { weights, average, optimizer, source, restorables };
    this.watch = new LossWatch(divergence);
  }

  async start(): Promise<void> {
    const { totalSteps, checkpoints } = this.options;
    if (checkpoints?.resume) await this.resume(checkpoints);
    await this.tell("started", { step: this.step, totalSteps });
  }

  async go(): Promise<TrainingResult> {
    const { totalSteps, checkpoints } = this.options;
    try {
      let stops = await this.shouldStop();
      while (this.step < totalSteps && !stops) stops = await this.advance();
    } catch (error) {
      // The other ranks have ended: what is finished is kept.
      if (error instanceof Interrupted && checkpoints && this.step > 0) await this.save(checkpoints, "last");
      throw error;
    }
    const { weights, average } = this.parts;
    return { step: this.step, interrupted: this.step < totalSteps, weights, average, best: this.best };
  }

  /** Takes a step, and scores and saves where that is due. Returns whether to stop. */
  private async advance(): Promise<boolean> {
    const { totalSteps, checkpoints, evaluation } = this.options;
    await this.tell("stepped", await this.stepOrSave());
    // Steps may never yield to the event loop; without this pause an interruption would never be noticed.
    await setImmediate();
    const last = this.step === totalSteps;
    if (evaluation && (last || this.step % evaluation.every === 0)) await this.evaluate(evaluation);
    const stops = await this.shouldStop();
    if (checkpoints && (last || stops || this.isSaveDue(checkpoints))) await this.save(checkpoints, "last");
    return stops;
  }

  async tell<Event extends keyof TrainingListener>(
    event: Event,
    ...details: Parameters<NonNullable<TrainingListener[Event]>>
  ): Promise<void> {
    for (const listener of this.options.listeners ?? []) {
      const method = listener[event] as ((...details: unknown[]) => void | Promise<void>) | undefined;
      await method?.apply(listener, details);
    }
  }

  /** Whether this or another rank was asked to stop. */
  private async shouldStop(): Promise<boolean> {
    const { signal, ranks } = this.options;
    const asked = signal?.aborted ?? false;
    if (!ranks) return asked;
    const all = await ranks.gather(Float64Array.of(this.step, asked ? 1 : 0));
    const other = all.findIndex(([step]) => step !== this.step);
    if (other >= 0)
      throw new InputError(
        `rank ${ranks.rank} is at step ${this.step} and rank ${other} at step ${all[other]![0]}; let all ranks see the same output folder`,
      );
    return all.some(([, stops]) => stops);
  }

  /** Takes a step, or leaves everything as it was if the other ranks have ended. */
  private async stepOrSave(): Promise<StepReport> {
    const { source, ranks } = this.options;
    if (!ranks) return this.takeStep();
    const { restorables } = this.parts;
    const before = Object.entries(restorables).map(([name, part]) => [name, part.save()] as const);
    const position = source.position();
    try {
      return await this.takeStep();
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      for (const [name, state] of before) restorables[name]!.restore(state);
      source.restore(position);
      throw error;
    }
  }

  private async takeStep(): Promise<StepReport> {
    const { step, options } = this;
    const { accumulate = 1, totalSteps } = options;
    const began = performance.now();
    const taken: TakenBatch<Batch>[] = [];
    const sum = new GradientSum(accumulate);
    const losses: Record<string, number> = {};
    let waited = 0;
    while (sum.count < accumulate) {
      const asked = performance.now();
      const position = options.source.position();
      const batch = await options.source.next();
      waited += performance.now() - asked;
      taken.push({ batch, position });
      const answer = await options.step(options.weights, batch);
      const problem = this.watch.problem(totalLoss(answer.losses));
      if (problem) throw await this.diverged(problem, answer.losses, taken);
      for (const [name, loss] of Object.entries(answer.losses)) losses[name] = (losses[name] ?? 0) + loss / accumulate;
      sum.add(answer.gradients);
    }
    const gradientNorm = (await globalNorm(sum.total)) / accumulate;
    if (!Number.isFinite(gradientNorm)) throw await this.diverged("the gradient is not finite", losses, taken);
    await this.update(sum, gradientNorm);
    const loss = totalLoss(losses);
    this.watch.add(loss);
    this.step++;
    return {
      step: this.step,
      totalSteps,
      losses,
      loss,
      gradientNorm,
      learningRateFactor: options.learningRate(step),
      pictures: taken.reduce((count, { batch }) => count + (options.pictures?.(batch) ?? 1), 0),
      seconds: (performance.now() - began) / 1000,
      waited: waited / 1000,
    };
  }

  private async update(sum: GradientSum, gradientNorm: number): Promise<void> {
    const { learningRate, weightDecay, clip = Number.POSITIVE_INFINITY, averageDecay } = this.options;
    const { weights, average, optimizer } = this.parts;
    const tasks = optimizer.tasks(weights, sum.total, {
      learningRate: learningRate(this.step),
      weightDecay: weightDecay?.(this.step) ?? 1,
      gradient: clipFactor(gradientNorm, clip) / sum.count,
    });
    if (average && averageDecay !== undefined) tasks.push(...averageTasks(average, weights, averageDecay));
    await performAll(tasks);
  }

  private async diverged(
    problem: string,
    losses: Record<string, number>,
    taken: readonly TakenBatch<Batch>[],
  ): Promise<DivergenceError> {
    const { checkpoints, describeBatch = describePlainly } = this.options;
    if (!this.writes) return new DivergenceError(problem, this.step, losses, []);
    const batches = taken.map(({ batch, position }) => ({ position, contents: describeBatch(batch) }));
    const failure = { step: this.step, problem, losses };
    const files = checkpoints ? await saveFailedBatches(checkpoints.folder, failure, batches) : [];
    return new DivergenceError(problem, this.step, losses, files);
  }

  private async evaluate(evaluation: Evaluation): Promise<void> {
    const { weights, average } = this.parts;
    const metrics = await evaluation.run({ weights, average, step: this.step });
    const value = metrics[evaluation.best];
    if (value === undefined) {
      const known = Object.keys(metrics).join(", ");
      throw new RecipeError(`evaluation: no metric is named ${evaluation.best}; choose the best by one of ${known}`);
    }
    const best = value >= (this.best ?? Number.NEGATIVE_INFINITY);
    if (best) this.best = value;
    await this.tell("evaluated", { step: this.step, metrics, best });
    if (best && this.options.checkpoints) await this.save(this.options.checkpoints, "best");
  }

  /** Of several ranks, the first one writes. */
  private get writes(): boolean {
    return (this.options.ranks?.rank ?? 0) === 0;
  }

  private isSaveDue({ every, seconds = Number.POSITIVE_INFINITY }: CheckpointOptions): boolean {
    if (every !== undefined && this.step % every === 0) return true;
    return performance.now() - this.savedAt >= seconds * 1000;
  }

  private async save(checkpoints: CheckpointOptions, name: "last" | "best"): Promise<void> {
    if (!this.writes) return;
    const file = checkpointFile(checkpoints.folder, name);
    const numbers = { step: this.step, best: this.best, meanLoss: this.watch.mean };
    await writeCheckpoint(file, captureRun(this.parts, numbers, checkpoints.recipe ?? null), checkpoints.shapes);
    if (name === "last") this.savedAt = performance.now();
    await this.tell("saved", { step: this.step, file });
  }

  private async resume({ folder }: CheckpointOptions): Promise<void> {
    const file = checkpointFile(folder, "last");
    if (!(await checkpointExists(file))) return;
    const { step, best, meanLoss } = restoreRun(this.parts, await readCheckpoint(file));
    this.step = step;
    this.best = best;
    this.watch.mean = meanLoss;
  }
}
