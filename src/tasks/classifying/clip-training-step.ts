/** CLIP's training step: batches of pictures with one text each, and the contrast between all of them. */

import {
  type BatchSizes,
  type LossTerm,
  type TracedModel,
  TracedStep,
  type TracedStepOptions,
} from "../../learning/traced-step.ts";
import type { Clip } from "../../models/clip/clip.ts";
import { runningStatistics } from "../../models/parts/normed-convolution.ts";
import type { Tensor } from "../../tensor/index.ts";
import { contrastiveLoss, limitLogitScale } from "./contrastive-loss.ts";

/** n pictures with their texts: picture i belongs to text i only. */
export interface ClipBatch {
  readonly pictures: number;
  /** Prepared pictures [n,3,side,side]. */
  readonly image: Float32Array;
  /** Token ids [n,tokens], with zeros after the end. */
  readonly ids: BigInt64Array;
  readonly tokens: number;
  /** The place of each text's end token among all tokens, from `endPlaces`. */
  readonly ends: BigInt64Array;
}

type Sizes = BatchSizes & { readonly tokens: number };
type Weights = Map<string, Float32Array>;

/** The symmetric contrastive loss of the logits of all pictures and texts of a batch. */
export const contrastiveTerm: LossTerm<Sizes, Tensor> = {
  targets: {},
  acrossPictures: true,
  loss: (logits) => contrastiveLoss(logits),
};

/** Computes the loss and gradients of a CLIP for batches of any size. Running statistics of batch norms stay as they are. Dispose it when done. */
export class ClipTrainingStep {
  private readonly step: TracedStep<Sizes, Tensor>;

  constructor(model: Clip, { frozen, ...options }: Omit<TracedStepOptions, "shards"> = {}) {
    const still = frozen ? new RegExp(`${frozen.source}|${runningStatistics.source}`) : runningStatistics;
    this.step = new TracedStep(
      tracedClip(model),
      { loss_contrastive: { term: contrastiveTerm } },
      { ...options, frozen: still },
    );
  }

  /** Limits the learned scale of logits to 100 first, where the last step of the optimizer has moved it beyond. */
  run(
    weights: Weights,
    { pictures, tokens, image, ids, ends }: ClipBatch,
  ): Promise<{ losses: Record<string, number>; gradients: Weights }> {
    limitLogitScale(weights);
    return this.step.run(weights, { sizes: { pictures, tokens }, arrays: { image, ids, ends } });
  }

  /** Bytes of the values that such a batch keeps at once, as far as the graph tells. */
  peakBytes(sizes: Sizes): number {
    return this.step.peakBytes(sizes);
  }

  dispose(): Promise<void> {
    return this.step.dispose();
  }
}

function tracedClip(model: Clip): TracedModel<Sizes, Tensor> {
  const side = model.config.image.resolution;
  return {
    inputs: {
      image: { per: "picture", shape: ({ pictures }) => [pictures, 3, side, side] },
      ids: { per: "picture", type: "int64", shape: ({ pictures, tokens }) => [pictures, tokens] },
      ends: { per: "picture", type: "int64", shape: ({ pictures }) => [pictures] },
    },
    forward: ({ image, ids, ends }) => model.logits(model.image(image!), model.text(ids!, ends!)),
  };
}
