/** A detector's training step: batches of pictures with captions, and losses of the table. */

import {
  type BatchSizes,
  type TracedModel,
  TracedStep,
  type TracedStepOptions,
  type WeightedTerm,
} from "../../learning/traced-step.ts";
import type { Detector, HeadLevel } from "../../models/parts/detector.ts";
import { type GroundingSizes, glipLosses, type Losses, type LossName, lossTerms } from "./loss-terms.ts";
import type { TargetNumbers } from "./targets.ts";

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
  /** All real tokens, unless there is a `target.mask`. */
  targets: TargetNumbers;
}

export interface TrainingStepOptions extends TracedStepOptions {
  /** Losses by name with their weights. Default: GLIP's three. */
  losses?: Losses;
}

type Weights = Map<string, Float32Array>;
type Sizes = GroundingSizes & BatchSizes;

/** Computes the losses and gradients of a detector for batches of any size. Dispose it when done. */
export class GroundingTrainingStep {
  private readonly step: TracedStep<Sizes, readonly HeadLevel[]>;

  constructor(model: Detector, { losses = glipLosses, ...options }: TrainingStepOptions = {}) {
    this.step = new TracedStep(tracedDetector(model), termsOf(losses), options);
  }

  /** Losses by the reference's names, and gradients by parameter name. */
  run(weights: Weights, batch: GroundingBatch): Promise<{ losses: Record<string, number>; gradients: Weights }> {
    const { pictures, height, width, tokens, image, ids, mask, targets } = batch;
    const arrays = { image, ids, mask, "target.mask": mask, ...targets };
    return this.step.run(weights, { sizes: { pictures, height, width, tokens }, arrays });
  }

  /** Bytes of the values that such a batch keeps at once, as far as the graph tells. */
  peakBytes({
    pictures,
    height,
    width,
    tokens,
  }: Pick<GroundingBatch, "pictures" | "height" | "width" | "tokens">): number {
    return this.step.peakBytes({ pictures, height, width, tokens });
  }

  dispose(): Promise<void> {
    return this.step.dispose();
  }
}

function tracedDetector(model: Detector): TracedModel<Sizes, readonly HeadLevel[]> {
  return {
    inputs: {
      image: { per: "picture", shape: ({ pictures, height, width }) => [pictures, 3, height, width] },
      ids: { per: "picture", type: "int64", shape: ({ pictures, tokens }) => [pictures, tokens] },
      mask: { per: "picture", shape: ({ pictures, tokens }) => [pictures, tokens] },
    },
    forward: ({ image, ids, mask }) => model.answer(model.image(image!), model.text(ids!, mask!), mask!),
  };
}

function termsOf(losses: Losses): Record<string, WeightedTerm<Sizes, readonly HeadLevel[]>> {
  const names = Object.keys(losses) as LossName[];
  return Object.fromEntries(
    names.map((name) => [name, { term: lossTerms[name], ...(losses[name] === 1 ? {} : { weight: losses[name]! }) }]),
  );
}
