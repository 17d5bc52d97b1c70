/** RegionCLIP's pretraining losses, from a teacher to a student (Zhong et al. 2022, section 3.3; `modeling/meta_arch/clip_rcnn.py`, PretrainFastRCNN). */

import { TEMPERATURE } from "../../models/region-clip/region-clip.ts";
import {
  add,
  exp,
  greater,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  mean,
  multiply,
  normalizeLength,
  reshape,
  stopGradient,
  subtract,
  sum,
  swapLast,
  type Tensor,
  where,
} from "../../tensor/index.ts";
import { contrastiveLoss } from "../classifying/contrastive-loss.ts";

/** The teacher's labels of r regions. */
export interface TeacherLabels {
  /** Indices of the kept regions, in order. */
  readonly kept: Int32Array;
  /** The best concept of each kept region. */
  readonly labels: Int32Array;
  /** Concept probabilities of the kept regions [kept,m]. */
  readonly shares: Float32Array;
}

/** Keeps the regions whose best concept has a probability [r,m] above the threshold; if there are none, keeps all. Of equal concepts the first is best. */
export function teacherLabels(shares: Float32Array, concepts: number, threshold: number): TeacherLabels {
  const count = shares.length / concepts;
  const row = (i: number) => shares.subarray(i * concepts, (i + 1) * concepts);
  const best = Array.from({ length: count }, (_, i) => row(i).reduce((top, x, k, all) => (x > all[top]! ? k : top), 0));
  const sure = best.flatMap((label, i) => (row(i)[label]! > Math.fround(threshold) ? [i] : []));
  const kept = Int32Array.from(sure.length > 0 ? sure : best.keys());
  const rows = new Float32Array(kept.length * concepts);
  kept.forEach((region, i) => {
    rows.set(row(region), i * concepts);
  });
  return { kept, labels: kept.map((region) => best[region]!), shares: rows };
}

/** 1 where two kept regions [n,n] have the same label, else 0. */
export function sameLabels(labels: Int32Array): Float32Array {
  const n = labels.length;
  return Float32Array.from({ length: n * n }, (_, i) => (labels[Math.floor(i / n)] === labels[i % n] ? 1 : 0));
}

/** Cosines of two lists of vectors [n,d] and [m,d] over the temperature: [n,m]. */
export function scaledCosines(a: Tensor, b: Tensor): Tensor {
  return multiply(matmul(normalizeLength(a), swapLast(normalizeLength(b))), 1 / TEMPERATURE);
}

/** Mean divergence of the student's concept probabilities from the teacher's [r,m]: vectors [r,d], concepts [m,d]. */
export function distillationLoss(vectors: Tensor, concepts: Tensor, shares: Tensor): Tensor {
  const student = logSoftmax(scaledCosines(vectors, concepts));
  // A probability of 0 contributes 0, although its logarithm is infinite.
  const own = where(greater(shares, 0), log(maximum(shares, 1e-38)), 0);
  return reshape(mean(sum(multiply(shares, subtract(own, student)), [1])), []);
}

/**
 * Contrastive loss of each region's vector [r,d] against the concepts of all regions: `targets` [r,d] are the vectors of their labels, `same`
 * [r,r] is 1 if two regions have the same label. As published, a label of several regions counts several times in numerator and denominator.
 */
export function conceptContrastLoss(vectors: Tensor, targets: Tensor, same: Tensor): Tensor {
  const scores = scaledCosines(vectors, targets);
  const own = where(greater(same, 0), scores, Number.NEGATIVE_INFINITY);
  return reshape(mean(subtract(logSumExp(scores), logSumExp(own))), []);
}

/** Contrastive loss of pictures' and captions' vectors [n,d]. */
export function pairContrastLoss(pictures: Tensor, texts: Tensor): Tensor {
  return contrastiveLoss(scaledCosines(pictures, texts));
}

function logSumExp(x: Tensor): Tensor {
  const top = stopGradient(max(x, [1]));
  return reshape(add(log(sum(exp(subtract(x, top)), [1])), top), [-1]);
}
