/** Stochastic gradient descent with momentum; weight decay is added to the gradient (as torch.optim.SGD, without Nesterov). */

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

/** SGD over the parameters that `settings` names; the velocity starts as a parameter's first gradient. */
export class Sgd implements Optimizer {
  private velocities: NamedArrays = new Map();
  private readonly momentum: number;

  constructor(
    private readonly settings: Map<string, ParameterSetting>,
    { momentum = 0.9 }: { momentum?: number } = {},
  ) {
    this.momentum = momentum;
  }

  step(weights: NamedArrays, gradients: NamedArrays, factors: StepFactors = {}): void {
    this.tasks(weights, gradients, factors).forEach(perform);
  }

  tasks(weights: NamedArrays, gradients: NamedArrays, factors: StepFactors = {}): ArrayTask[] {
    return stepItems(weights, gradients, this.settings).map(({ name, weight, gradient, setting }) => {
      const velocity = arrayLike(weight, this.velocities.get(name));
      this.velocities.set(name, velocity);
      const numbers = {
        momentum: this.momentum,
        learningRate: setting.learningRate * (factors.learningRate ?? 1),
        decay: setting.weightDecay * (factors.weightDecay ?? 1),
        gradientFactor: factors.gradient ?? 1,
      };
      return { kernel: "sgd", arrays: { weight, gradient, velocity }, numbers };
    });
  }

  save(): OptimizerState {
    return Object.fromEntries([...this.velocities].map(([name, velocity]) => [`velocity/${name}`, velocity]));
  }

  restore(state: OptimizerState): void {
    const velocities = stateArrays(state, "velocity");
    for (const name of velocities.keys()) {
      if (!this.settings.has(name)) throw new WeightsError(`optimizer state: ${name} is not a parameter of this run`);
    }
    this.velocities = new Map([...velocities].map(([name, velocity]) => [name, velocity.slice()]));
  }
}
