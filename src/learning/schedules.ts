/** Learning-rate and weight-decay schedules: pure functions from the step (0, 1, …) to a factor. */

import { RecipeError } from "../errors.ts";

/** The factor of step `step`, counted from 0. A schedule has no state: its position is the step. */
export type Schedule = (step: number) => number;

/** When a factor falls, and by how much. */
export interface MultiStepOptions {
  totalSteps: number;
  /** Steps at which the factor falls; values below 1 are fractions of `totalSteps`. GLIP: 0.67 and 0.89. */
  milestones: readonly number[];
  /** The factor is multiplied by this at each milestone. */
  gamma?: number;
}

/** A constant factor that falls by `gamma` at each milestone. */
export function multiStep({ totalSteps, milestones, gamma = 0.1 }: MultiStepOptions): Schedule {
  const at = milestoneSteps(milestones, totalSteps);
  return (step) => gamma ** at.filter((milestone) => milestone <= step).length;
}

/** Half a cosine from 1 at step 0 down to `floor` at `totalSteps`. */
export function cosine({ totalSteps, floor = 0 }: { totalSteps: number; floor?: number }): Schedule {
  return (step) => floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, step / totalSteps)));
}

/** Multiplies a schedule by a line from `start` at step 0 to 1 at step `steps` (GLIP: 2000 steps from 0.001). */
export function withWarmup(schedule: Schedule, { steps, start = 0.001 }: { steps: number; start?: number }): Schedule {
  return (step) => (step < steps ? start * (1 - step / steps) + step / steps : 1) * schedule(step);
}

/**
 * GLIP-L's weight-decay schedule: multiplied by `gamma` each time that `fraction` of the way (from step 0) to a
 * milestone of the learning rate is reached. Follows `solver/lr_scheduler.py` of the GLIP reference.
 */
export function weightDecaySteps(options: MultiStepOptions & { fraction?: number }): Schedule {
  const { totalSteps, milestones, gamma = 0.1, fraction = 0.667 } = options;
  const at = milestoneSteps(milestones, totalSteps).map((milestone) => milestone * fraction);
  return (step) => gamma ** at.filter((milestone) => milestone <= step).length;
}

function milestoneSteps(milestones: readonly number[], totalSteps: number): number[] {
  const steps = milestones.map((milestone) => (milestone < 1 ? Math.round(milestone * totalSteps) : milestone));
  if (steps.some((step, i) => step < (steps[i - 1] ?? 0))) {
    throw new RecipeError(
      `schedule: milestones [${milestones.join(", ")}] of ${totalSteps} steps are not in increasing order; sort them`,
    );
  }
  return steps;
}
