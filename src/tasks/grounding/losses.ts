/** GLIP's training losses as tensors (`modeling/rpn/loss.py`); what they compare with is assigned beforehand. */

import type { HeadLevel } from "../../models/parts/detector.ts";
import {
  add,
  clamp,
  concat,
  constant,
  divide,
  exp,
  input,
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

/** Inputs that carry the targets of n pictures with a anchors and l tokens. */
export interface TargetTensors {
  /** 1 where an anchor answers for a token [n,a,l]. */
  tokens: Tensor;
  /** 1 for the tokens that something is learned of [n,l]. */
  mask: Tensor;
  /** The box that each anchor answers for, xyxy; anything for background [n,a,4]. */
  boxes: Tensor;
  /** 1 for anchors that answer for a box [n,a]. */
  positive: Tensor;
  /** Centerness of the anchor in its box; 0 for background [n,a]. */
  centerness: Tensor;
  /** Anchors that answer for a box, at least 1. */
  positiveCount: Tensor;
  /** Sum of the centerness, or 1. */
  centernessSum: Tensor;
}

/** The tensors to feed targets through, by name. */
export function targetTensors(n: number, anchors: number, tokens: number): TargetTensors {
  return {
    tokens: input("target.tokens", [n, anchors, tokens]),
    mask: input("target.mask", [n, tokens]),
    boxes: input("target.boxes", [n, anchors, 4]),
    positive: input("target.positive", [n, anchors]),
    centerness: input("target.centerness", [n, anchors]),
    positiveCount: input("target.positiveCount", []),
    centernessSum: input("target.centernessSum", []),
  };
}

export interface GroundingLosses {
  loss_dot_product_token: Tensor;
  loss_reg: Tensor;
  loss_centerness: Tensor;
  total: Tensor;
}

const BOX_WEIGHT = 2;
/** Focal loss: weight of positives and exponent. */
const ALPHA = 0.25;
/** Weights of the box coder. */
const CENTRE_WEIGHT = 10;
const SIZE_WEIGHT = 5;
const MOST_GROWTH = Math.log(1000 / 16);

/** `anchors` are those of all levels, xyxy [a,4]. */
export function groundingLosses(
  levels: readonly HeadLevel[],
  anchors: Float32Array,
  targets: TargetTensors,
): GroundingLosses {
  const n = targets.mask.shape[0]!;
  const flat = (map: Tensor) => reshape(map, [n, map.shape[1]!, -1]);
  const logits = concat(
    levels.map((level) => level.logits),
    1,
  );
  const offsets = swapLast(
    concat(
      levels.map((level) => flat(level.offsets)),
      2,
    ),
  );
  const centerness = reshape(
    concat(
      levels.map((level) => flat(level.centerness)),
      2,
    ),
    targets.positive.shape,
  );
  const token = divide(
    total(multiply(focal(logits, targets.tokens), reshape(targets.mask, [n, 1, -1]))),
    targets.positiveCount,
  );
  const away = generalisedOverlapLoss(decode(offsets, anchors), targets.boxes);
  const box = multiply(divide(total(multiply(away, targets.centerness)), targets.centernessSum), BOX_WEIGHT);
  const apart = multiply(crossEntropy(centerness, targets.centerness), targets.positive);
  const centre = divide(total(apart), targets.positiveCount);
  return { loss_dot_product_token: token, loss_reg: box, loss_centerness: centre, total: add(add(token, box), centre) };
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

/** 1 - generalised overlap (Rezatofighi et al. 2019), without +1, of boxes xyxy [n,a,4]: [n,a]. */
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
