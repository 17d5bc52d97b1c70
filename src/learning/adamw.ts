/** AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2; as torch.optim.AdamW). */

import { WeightsError } from "../errors.ts";
import {
  type NamedArrays,
  type Optimizer,
  type OptimizerState,
  type StepFactors,
  stateArrays,
  stepItems,
} from "./optimizer.ts";
import type { ParameterSetting } from "./parameter-groups.ts";

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
    for (const { name, weight, gradient, setting } of stepItems(weights, gradients, this.settings)) {
      const moments = this.momentsOf(name, weight.length);
      moments.steps++;
      const learningRate = setting.learningRate * (factors.learningRate ?? 1);
      update(weight, gradient, moments, {
        beta1: this.beta1,
        beta2: this.beta2,
        epsilon: this.epsilon,
        keep: 1 - learningRate * setting.weightDecay * (factors.weightDecay ?? 1),
        stepSize: learningRate / (1 - this.beta1 ** moments.steps),
        secondScale: 1 / Math.sqrt(1 - this.beta2 ** moments.steps),
        gradientFactor: factors.gradient ?? 1,
      });
    }
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

  private momentsOf(name: string, length: number): Moments {
    let moments = this.moments.get(name);
    if (!moments) {
      moments = { steps: 0, first: new Float32Array(length), second: new Float32Array(length) };
      this.moments.set(name, moments);
    }
    return moments;
  }
}

interface UpdateNumbers {
  beta1: number;
  beta2: number;
  epsilon: number;
  keep: number;
  stepSize: number;
  secondScale: number;
  gradientFactor: number;
}

function update(weight: Float32Array, gradient: Float32Array, moments: Moments, numbers: UpdateNumbers): void {
  const { first, second } = moments;
  const { beta1, beta2, epsilon, keep, stepSize, secondScale, gradientFactor } = numbers;
  const rest1 = 1 - beta1;
  const rest2 = 1 - beta2;
  for (let i = 0; i < weight.length; i++) {
    const g = gradient[i]! * gradientFactor;
    const m = beta1 * first[i]! + rest1 * g;
    const v = beta2 * second[i]! + rest2 * g * g;
    first[i] = m;
    second[i] = v;
    weight[i] = weight[i]! * keep - (stepSize * m) / (Math.sqrt(v) * secondScale + epsilon);
  }
}
