/** One step of training: losses of a batch and their gradient for every trained weight. */

import { concatenate } from "../../boxes/atss.ts";
import { gradients } from "../../grad/index.ts";
import type { Glip } from "../../models/glip.ts";
import { type BackendOptions, type Lowered, lower, SessionCache } from "../../onnx/index.ts";
import { input, type Numbers, reachable, type Tensor } from "../../tensor/index.ts";
import { groundingLosses, targetTensors } from "./losses.ts";
import { anchorsOf, type TargetNumbers } from "./targets.ts";

/** n prepared pictures of one size with their captions and targets. */
export interface GroundingBatch {
  /** [n,3,height,width]. */
  image: Float32Array;
  pictures: number;
  height: number;
  width: number;
  /** Token ids and mask [n,tokens]. */
  ids: BigInt64Array;
  mask: Float32Array;
  tokens: number;
  targets: TargetNumbers;
}

export interface TrainingStepOptions extends BackendOptions {
  /** Names of parameters that get no gradient. */
  frozen?: RegExp;
  /** Uniform numbers for dropout; none is done without it. */
  random?: () => number;
}

type Weights = Map<string, Float32Array>;
const GRADIENT = "gradient:";

/** Losses and gradients of GLIP's training for batches of any size; dispose it when done. */
export class GroundingTrainingStep {
  private readonly traces = new Map<string, Lowered>();
  private readonly sessions: SessionCache;

  constructor(
    private readonly model: Glip,
    private readonly options: TrainingStepOptions = {},
  ) {
    // Pictures are made beside the training, so its threads leave the processor when they wait.
    this.sessions = new SessionCache({ patient: true, ...options });
  }

  /** Losses under the reference's names, and gradients by parameter name. */
  async run(weights: Weights, batch: GroundingBatch): Promise<{ losses: Record<string, number>; gradients: Weights }> {
    const trace = this.trace(batch);
    const feeds: Record<string, Numbers> = { image: batch.image, ids: batch.ids, mask: batch.mask, ...batch.targets };
    const { random } = this.options;
    const results = await this.sessions.run(trace, feeds, { weights, ...(random ? { random } : {}) });
    const losses: Record<string, number> = {};
    const found: Weights = new Map();
    for (const [name, numbers] of Object.entries(results) as [string, Float32Array][]) {
      if (name.startsWith(GRADIENT)) found.set(name.slice(GRADIENT.length), numbers);
      else if (name !== "total") losses[name] = numbers[0]!;
    }
    return { losses, gradients: found };
  }

  dispose(): Promise<void> {
    return this.sessions.dispose();
  }

  private trace(batch: GroundingBatch): Lowered {
    const key = [batch.pictures, batch.height, batch.width, batch.tokens].join(" ");
    const known = this.traces.get(key) ?? this.lower(batch);
    this.traces.set(key, known);
    return known;
  }

  private lower({ pictures, height, width, tokens }: GroundingBatch): Lowered {
    const { model, options } = this;
    const image = input("image", [pictures, 3, height, width]);
    const ids = input("ids", [pictures, tokens], "int64");
    const mask = input("mask", [pictures, tokens]);
    const levels = model.answer(model.image(image), model.text(ids, mask), mask);
    const anchors = concatenate(anchorsOf(height, width));
    const losses = groundingLosses(levels, anchors, targetTensors(pictures, anchors.length / 4, tokens));
    const trained = parametersIn(losses.total).filter(({ name }) => !options.frozen?.test(name));
    const found = gradients(
      losses.total,
      trained.map(({ tensor }) => tensor),
    );
    const outputs: Record<string, Tensor> = { ...losses };
    trained.forEach(({ name }, i) => {
      outputs[GRADIENT + name] = found[i]!;
    });
    return lower(outputs, { training: Boolean(options.random), sizes: "fed" });
  }
}

/** The parameters that a loss depends on. */
function parametersIn(loss: Tensor): { name: string; tensor: Tensor }[] {
  const isParameter = (tensor: Tensor): tensor is Tensor<"parameter"> => tensor.operation === "parameter";
  return reachable([loss])
    .filter(isParameter)
    .map((tensor) => ({ name: tensor.attributes.name, tensor }));
}
