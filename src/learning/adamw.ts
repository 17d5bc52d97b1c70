/** AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2; as torch.optim.AdamW). */

import { WeightsError } from "../errors.ts";
import { type ArrayTask, perform } from "./kernels.ts";
import {
  type NamedArrays,
  type Optimizer,
  type OptimizerState,
  type StepFactors,
  stateArrays,
  stepItems,
} from "./optimizer.ts";
import type { ParameterSetting } from "./parameter-groups.ts";
import { arrayLike } from "./shared-arrays.ts";

/** Constants of AdamW. */
export interface AdamWOptions {
  /** Decay of the mean of the gradients. */
  beta1?: number;
  /** Decay of the mean of the squared gradients. */
  beta2?: number;
  epsilon?: number;
}

interface Moments {
  steps: number;
  first: Float32Array;
  second: Float32Array;
}

/** AdamW over the parameters named in `settings`; moments start at zero with a parameter's first gradient. */
export class AdamW implements Optimizer {
  private readonly moments = new Map<string, Moments>();
  private readonly beta1: number;
  private readonly beta2: number;
  private readonly epsilon: number;

  constructor(
    private readonly settings: Map<string, ParameterSetting>,
    { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamWOptions = {},
  ) {
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
  }

  step(weights: NamedArrays, gradients: NamedArrays, factors: StepFactors = {}): void {
    this.tasks(weights, gradients, factors).forEach(perform);
  }

  tasks(weights: NamedArrays, gradients: NamedArrays, factors: StepFactors = {}): ArrayTask[] {
    return stepItems(weights, gradients, this.settings).map(({ name, weight, gradient, setting }) => {
      const moments = this.momentsOf(name, weight);
      moments.steps++;
      const learningRate = setting.learningRate * (factors.learningRate ?? 1);
      const numbers = {
        beta1: this.beta1,
        beta2: this.beta2,
        epsilon: this.epsilon,
        keep: 1 - learningRate * setting.weightDecay * (factors.weightDecay ?? 1),
        stepSize: learningRate / (1 - this.beta1 ** moments.steps),
        secondScale: 1 / Math.sqrt(1 - this.beta2 ** moments.steps),
        gradientFactor: factors.gradient ?? 1,
      };
      return { kernel: "adamw", arrays: { weight, gradient, first: moments.first, second: moments.second }, numbers };
    });
  }

  save(): OptimizerState {
    const state: OptimizerState = {};
    for (const [name, { steps, first, second }] of this.moments) {
      state[`steps/${name}`] = steps;
      state[`first/${name}`] = first;
      state[`second/${name}`] = second;
    }
    return state;
  }

  restore(state: OptimizerState): void {
    const seconds = stateArrays(state, "second");
    const restored = new Map<string, Moments>();
    for (const [name, first] of stateArrays(state, "first")) {
      const steps = state[`steps/${name}`];
      const second = seconds.get(name);
      if (typeof steps !== "number" || second?.length !== first.length || !this.settings.has(name)) {
        throw new WeightsError(`optimizer state: ${name} needs its step and two moments of the same size`);
      }
      restored.set(name, { steps, first: first.slice(), second: second.slice() });
    }
    this.moments.clear();
    for (const [name, moments] of restored) this.moments.set(name, moments);
  }

  /** The moments, moved to memory of the weight's kind when they come from a checkpoint. */
  private momentsOf(name: string, weight: Float32Array): Moments {
    const { steps = 0, first, second } = this.moments.get(name) ?? {};
    const moments = { steps, first: arrayLike(weight, first), second: arrayLike(weight, second) };
    this.moments.set(name, moments);
    return moments;
  }
}
