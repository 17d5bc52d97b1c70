/** Converts the outputs of a region head to detections. Source: RegionCLIP `modeling/roi_heads/fast_rcnn.py` and `layers/soft_nms.py`. */

import { applyDeltas, clipBoxes, hasArea, REGION_DELTAS } from "./box-deltas.ts";
import { overlapPlain } from "./overlap.ts";
import { descending, suppress } from "./suppression.ts";

/** The outputs for r regions of one picture. */
export interface RegionAnswers {
  /** Boxes xyxy [r,4] of the regions. */
  readonly boxes: Float32Array;
  /** [r,k+1]; the last column is the background. */
  readonly logits: Float32Array;
  readonly classes: number;
  /** [r,4] or [r,4k] offsets to better boxes; absent if the boxes are final. */
  readonly deltas?: Float32Array;
  /** [r] logits of the proposals, if scores are fused with them. */
  readonly objectness?: Float32Array;
}

export interface RegionOptions {
  /** Size of the picture in pixels. */
  readonly height: number;
  readonly width: number;
  /** Minimum score, exclusive. */
  readonly threshold: number;
  readonly suppression: HardSuppression | SoftSuppression;
  readonly topK: number;
  /**
   * How the proposal's logit enters the score: not at all; as in the published code, as the square root of probability times logit, which
   * drops proposals with negative logits and may exceed 1; or the same with the logit converted to a probability.
   */
  readonly fusion?: "none" | "logit" | "sigmoid";
}

export interface HardSuppression {
  readonly kind: "hard";
  /** Overlap above which a box is suppressed by a better one of its class. */
  readonly overlap: number;
}

/**
 * A better box of the same class multiplies a score by exp(-overlap² / sigma); boxes at or below `least` are dropped (Bodla et al. 2017).
 */
export interface SoftSuppression {
  readonly kind: "soft";
  readonly sigma: number;
  readonly least: number;
}

export interface RegionDetections {
  /** xyxy [n,4]. */
  readonly boxes: Float32Array;
  readonly scores: Float32Array;
  /** Column of the logits for each detection. */
  readonly labels: Int32Array;
  /** Index of the region of each detection. */
  readonly regions: Int32Array;
}

/** All pairs of a region and a class with a score above the threshold, before suppression, in the order of regions and classes. */
export function regionCandidates(answers: RegionAnswers, options: RegionOptions): RegionDetections {
  const { classes, boxes, deltas } = answers;
  const { threshold } = options;
  const count = boxes.length / 4;
  const scores = scoresOf(answers, options.fusion ?? "none");
  const moved = deltas ? applyDeltas(deltas, boxes, REGION_DELTAS) : boxes;
  const clipped = clipBoxes(moved, options);
  const each = moved.length / (4 * count);
  const found: { box: number; score: number; label: number; region: number }[] = [];
  for (let region = 0; region < count; region++) {
    const row = scores.subarray(region * (classes + 1), (region + 1) * (classes + 1));
    const own = moved.subarray(4 * each * region, 4 * each * (region + 1));
    if (!row.every(Number.isFinite) || !own.every(Number.isFinite)) continue;
    for (let label = 0; label < classes; label++)
      if (row[label]! > Math.fround(threshold))
        found.push({ box: each * region + (each > 1 ? label : 0), score: row[label]!, label, region });
  }
  return {
    boxes: Float32Array.from(found.flatMap(({ box }) => [...clipped.subarray(4 * box, 4 * box + 4)])),
    scores: Float32Array.from(found, ({ score }) => score),
    labels: Int32Array.from(found, ({ label }) => label),
    regions: Int32Array.from(found, ({ region }) => region),
  };
}

/** The candidates left after suppression, best first. */
export function suppressRegions(candidates: RegionDetections, options: RegionOptions): RegionDetections {
  const { suppression, topK } = options;
  if (suppression.kind === "soft") return softSuppressed(candidates, suppression, topK);
  const kept: number[] = [];
  for (const label of new Set(candidates.labels)) {
    const own = Int32Array.from(candidates.labels.keys()).filter((i) => candidates.labels[i] === label);
    const { boxes, scores } = taken(candidates, own);
    for (const i of suppress(boxes, scores, suppression.overlap)) kept.push(own[i]!);
  }
  const left = taken(candidates, Int32Array.from(kept).sort());
  return taken(left, descending(left.scores).subarray(0, topK));
}

/** Detections in pixels of the original picture; boxes that become empty are dropped. */
export function onOriginal(
  found: RegionDetections,
  from: { height: number; width: number },
  to: { height: number; width: number },
): RegionDetections {
  const factors = [to.width / from.width, to.height / from.height].map(Math.fround);
  const boxes = clipBoxes(
    found.boxes.map((value, i) => value * factors[i % 2]!),
    to,
  );
  const left = Array.from(found.scores.keys()).filter((i) => hasArea(boxes, i));
  return taken({ ...found, boxes }, Int32Array.from(left));
}

/** Softmax over classes and background [r,k+1], fused with the proposals' logits if requested. */
function scoresOf({ logits, classes, objectness }: RegionAnswers, fusion: "none" | "logit" | "sigmoid"): Float32Array {
  const width = classes + 1;
  const scores = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += width) {
    const row = logits.subarray(start, start + width);
    const top = Math.max(...row);
    const sum = row.reduce((total, value) => total + Math.exp(value - top), 0);
    const logit = objectness?.[start / width] ?? 1;
    const weight = fusion === "sigmoid" ? 1 / (1 + Math.exp(-logit)) : logit;
    for (let i = 0; i < width; i++) {
      const share = Math.exp(row[i]! - top) / sum;
      scores[start + i] = fusion === "none" ? share : Math.sqrt(share * weight);
    }
  }
  return scores;
}

/** Takes the best candidate repeatedly, and lowers the scores of the overlapping candidates of its class. */
function softSuppressed(candidates: RegionDetections, { sigma, least }: SoftSuppression, topK: number) {
  const { boxes, labels } = candidates;
  const scores = candidates.scores.slice();
  let left = Array.from(scores.keys());
  const order: number[] = [];
  const ranked: number[] = [];
  while (left.length > 0 && order.length < topK) {
    const best = left.reduce((top, i) => (scores[i]! > scores[top]! ? i : top), left[0]!);
    order.push(best);
    ranked.push(scores[best]!);
    for (const i of left) {
      if (i === best || labels[i] !== labels[best]) continue;
      scores[i]! *= Math.exp(-(overlapPlain(boxes, best, boxes, i) ** 2) / sigma);
    }
    left = left.filter((i) => i !== best && scores[i]! > least);
  }
  return { ...taken(candidates, Int32Array.from(order)), scores: Float32Array.from(ranked) };
}

function taken({ boxes, scores, labels, regions }: RegionDetections, rows: Int32Array): RegionDetections {
  return {
    boxes: Float32Array.from(Array.from(rows).flatMap((i) => [...boxes.subarray(4 * i, 4 * i + 4)])),
    scores: Float32Array.from(rows, (i) => scores[i]!),
    labels: rows.map((i) => labels[i]!),
    regions: rows.map((i) => regions[i]!),
  };
}
