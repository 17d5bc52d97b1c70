/** The interface of all optimizers: the work of a step over typed arrays, and a state that is saved and restored bit for bit. */

import { WeightsError } from "../errors.ts";
import type { ArrayTask } from "./kernels.ts";
import type { ParameterSetting } from "./parameter-groups.ts";

/** Weights or gradients by parameter name, flat; only the model knows shapes. */
export type NamedArrays = Map<string, Float32Array>;

/** Moments and counters by name, as they go into a checkpoint. */
export type OptimizerState = Record<string, Float32Array | number>;

/** Factors of the schedules for this step; default 1. */
export interface StepFactors {
  /** Multiplies the learning rate of every parameter. */
  learningRate?: number;
  /** Multiplies the weight decay of every parameter. */
  weightDecay?: number;
  /** Multiplies every gradient, for clipping and the mean over accumulated batches. */
  gradient?: number;
}

/** Updates weights in place; the only place in the package where an input is written to. */
export interface Optimizer {
  /** Takes one step for every parameter that has a gradient and is not frozen; others keep their weight and moments. */
  step(weights: NamedArrays, gradients: NamedArrays, factors?: StepFactors): void;
  /** The work of such a step, a task for each parameter, to be done before the next is asked for. */
  tasks(weights: NamedArrays, gradients: NamedArrays, factors?: StepFactors): ArrayTask[];
  /** The state as named arrays and numbers. The arrays are not copies: write them before the next step. */
  save(): OptimizerState;
  /** Restores what `save` returned; throws WeightsError if it does not fit. */
  restore(state: OptimizerState): void;
}

/** One parameter with everything a step needs. */
export interface StepItem {
  name: string;
  weight: Float32Array;
  gradient: Float32Array;
  setting: ParameterSetting;
}

/** Pairs gradients with weights and settings, without frozen parameters; reports every mismatch at once. */
export function stepItems(
  weights: NamedArrays,
  gradients: NamedArrays,
  settings: Map<string, ParameterSetting>,
): StepItem[] {
  const items: StepItem[] = [];
  const wrong: string[] = [];
  for (const [name, gradient] of gradients) {
    const weight = weights.get(name);
    const setting = settings.get(name);
    if (!weight) wrong.push(`  no weight   ${name}`);
    else if (!setting) wrong.push(`  no setting  ${name}`);
    else if (weight.length !== gradient.length) {
      wrong.push(`  size        ${name}: weight ${weight.length}, gradient ${gradient.length}`);
    } else if (!setting.frozen) items.push({ name, weight, gradient, setting });
  }
  if (wrong.length) throw new WeightsError(`gradients do not fit the weights:\n${wrong.join("\n")}`);
  return items;
}

/** Reads a state's arrays and numbers under `prefix/`, checking that each is of the wanted kind. */
export function stateArrays(state: OptimizerState, prefix: string): NamedArrays {
  const found: NamedArrays = new Map();
  for (const [key, value] of Object.entries(state)) {
    if (!key.startsWith(`${prefix}/`)) continue;
    if (typeof value === "number") throw new WeightsError(`optimizer state: ${key} is a number, not an array`);
    found.set(key.slice(prefix.length + 1), value);
  }
  return found;
}
