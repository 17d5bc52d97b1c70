/** GLIP's training losses as tensors (`modeling/rpn/loss.py`); their targets are inputs. */

import { anchorsOf, levelsOf } from "../../boxes/anchors.ts";
import { concatenate } from "../../boxes/atss.ts";
import type { FedArray, TensorsByName } from "../../learning/traced-step.ts";
import type { HeadLevel } from "../../models/parts/detector.ts";
import {
  add,
  clamp,
  concat,
  constant,
  divide,
  exp,
  maximum,
  minimum,
  multiply,
  reshape,
  sigmoid,
  slice,
  softplus,
  subtract,
  swapLast,
  type Tensor,
  total,
} from "../../tensor/index.ts";
import type { GroundingTerm } from "./loss-terms.ts";
import type { GroundingSizes } from "./targets.ts";

/** Anchors of all levels of a batch's pictures. */
const anchorCount = ({ height, width }: GroundingSizes) =>
  levelsOf(height, width).reduce((sum, level) => sum + level.height * level.width, 0);

/** The targets of the losses, for n pictures with a anchors and l tokens. */
const targets = {
  /** 1 if a token is positive for an anchor [n,a,l]. */
  "target.tokens": { per: "picture", shape: (sizes) => [sizes.pictures, anchorCount(sizes), sizes.tokens] },
  /** 1 for tokens that count in the loss [n,l]. */
  "target.mask": { per: "picture", shape: ({ pictures, tokens }) => [pictures, tokens] },
  /** The box assigned to each anchor, xyxy; any value for background [n,a,4]. */
  "target.boxes": { per: "picture", shape: (sizes) => [sizes.pictures, anchorCount(sizes), 4] },
  /** 1 for positive anchors [n,a]. */
  "target.positive": { per: "picture", shape: (sizes) => [sizes.pictures, anchorCount(sizes)] },
  /** Centerness of the anchor in its box; 0 for background [n,a]. */
  "target.centerness": { per: "picture", shape: (sizes) => [sizes.pictures, anchorCount(sizes)] },
  /** Number of positive anchors, at least 1. */
  "target.positiveCount": { per: "batch", shape: () => [] },
  /** Sum of the centerness; 1 instead of 0. */
  "target.centernessSum": { per: "batch", shape: () => [] },
} as const satisfies Record<string, FedArray<GroundingSizes>>;

const BOX_WEIGHT = 2;
/** Focal loss: weight of positives, and exponent. */
const ALPHA = 0.25;
/** Weights of the box coder. */
const CENTRE_WEIGHT = 10;
const SIZE_WEIGHT = 5;
const MOST_GROWTH = Math.log(1000 / 16);

/** Focal loss of the alignment scores of all anchors and tokens. */
export const tokenTerm: GroundingTerm = {
  targets: taken("target.tokens", "target.mask", "target.positiveCount"),
  loss: (levels, t) => {
    const logits = concat(
      levels.map((level) => level.logits),
      1,
    );
    const mask = reshape(t["target.mask"]!, [logits.shape[0]!, 1, -1]);
    return divide(total(multiply(focal(logits, t["target.tokens"]!), mask)), t["target.positiveCount"]!);
  },
};

/** Generalised IoU loss of boxes, weighted by centerness. */
export const boxTerm: GroundingTerm = {
  targets: taken("target.boxes", "target.centerness", "target.centernessSum"),
  loss: (levels, t, { height, width }) => boxLoss(levels, concatenate(anchorsOf(height, width)), t),
};

/** The same for the anchors of all levels, xyxy [a,4]. */
export function boxLoss(levels: readonly HeadLevel[], anchors: Float32Array, t: TensorsByName): Tensor {
  const offsets = swapLast(
    concat(
      levels.map((level) => flat(level.offsets)),
      2,
    ),
  );
  const away = generalisedOverlapLoss(decode(offsets, anchors), t["target.boxes"]!);
  const sum = total(multiply(away, t["target.centerness"]!));
  return multiply(divide(sum, t["target.centernessSum"]!), BOX_WEIGHT);
}

/** Cross-entropy of centerness. */
export const centernessTerm: GroundingTerm = {
  targets: taken("target.positive", "target.centerness", "target.positiveCount"),
  loss: (levels, t) => {
    const positive = t["target.positive"]!;
    const joined = concat(
      levels.map((level) => flat(level.centerness)),
      2,
    );
    const apart = crossEntropy(reshape(joined, positive.shape), t["target.centerness"]!);
    return divide(total(multiply(apart, positive)), t["target.positiveCount"]!);
  },
};

function taken(...names: (keyof typeof targets)[]): GroundingTerm["targets"] {
  return Object.fromEntries(names.map((name) => [name, targets[name]]));
}

/** [n,c,h,w] to [n,c,h·w]. */
function flat(map: Tensor): Tensor {
  return reshape(map, [map.shape[0]!, map.shape[1]!, -1]);
}

/** Binary cross-entropy of logits. */
function crossEntropy(logits: Tensor, target: Tensor): Tensor {
  return subtract(softplus(logits), multiply(logits, target));
}

/** Sigmoid focal loss with exponent 2 (Lin et al. 2017). */
function focal(logits: Tensor, target: Tensor): Tensor {
  const p = sigmoid(logits);
  const wrong = subtract(add(p, target), multiply(multiply(p, target), 2));
  const weight = add(multiply(target, 2 * ALPHA - 1), 1 - ALPHA);
  return multiply(multiply(weight, crossEntropy(logits, target)), multiply(wrong, wrong));
}

/** Offsets [n,a,4] from anchors xyxy with the +1 convention, to boxes xyxy [n,a,4]. */
function decode(offsets: Tensor, anchors: Float32Array): Tensor {
  const count = anchors.length / 4;
  const centre = new Float32Array(2 * count);
  const size = new Float32Array(2 * count);
  for (let i = 0; i < count; i++)
    for (let axis = 0; axis < 2; axis++) {
      const low = anchors[4 * i + axis]!;
      const high = anchors[4 * i + axis + 2]!;
      centre[2 * i + axis] = (low + high) / 2;
      size[2 * i + axis] = high - low + 1;
    }
  const sizes = constant(size, [1, count, 2]);
  const move = multiply(divide(slice(offsets, { axis: 2, end: 2 }), CENTRE_WEIGHT), sizes);
  const middle = add(move, constant(centre, [1, count, 2]));
  const growth = clamp(divide(slice(offsets, { axis: 2, start: 2 }), SIZE_WEIGHT), -1e30, MOST_GROWTH);
  const half = multiply(subtract(multiply(exp(growth), sizes), 1), 0.5);
  return concat([subtract(middle, half), add(middle, half)], 2);
}

/** 1 - generalised IoU (Rezatofighi et al. 2019), without +1, of boxes xyxy [n,a,4]: [n,a]. */
function generalisedOverlapLoss(predicted: Tensor, target: Tensor): Tensor {
  const corner = (box: Tensor, start: number) => slice(box, { axis: 2, start, end: start + 2 });
  const low = corner(predicted, 0);
  const high = maximum(low, corner(predicted, 2));
  const targetLow = corner(target, 0);
  const targetHigh = corner(target, 2);
  const area = (from: Tensor, to: Tensor) => {
    const side = subtract(to, from);
    return multiply(slice(side, { axis: 2, end: 1 }), slice(side, { axis: 2, start: 1 }));
  };
  const none = (side: Tensor) => maximum(side, 0);
  const product = (side: Tensor) => multiply(slice(side, { axis: 2, end: 1 }), slice(side, { axis: 2, start: 1 }));
  const common = product(none(subtract(minimum(high, targetHigh), maximum(low, targetLow))));
  const hull = add(product(none(subtract(maximum(high, targetHigh), minimum(low, targetLow)))), 1e-7);
  const union = add(subtract(add(area(low, high), area(targetLow, targetHigh)), common), 1e-7);
  const overlap = subtract(divide(common, union), divide(subtract(hull, union), hull));
  return reshape(subtract(1, overlap), target.shape.slice(0, 2));
}
