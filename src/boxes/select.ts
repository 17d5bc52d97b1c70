/** Converts the head's outputs to detections. Source: GLIP `modeling/rpn/inference.py`, ATSSPostProcessor. */
import { decodeBoxes } from "./box-coder.ts";
import { descending, suppressByLabel } from "./suppression.ts";

const { exp, fround, log, max, min, sqrt } = Math;

/** The head's outputs for one feature map of one picture, for `a` = height · width anchors. */
export interface LevelOutputs {
  /** Alignment score of each anchor with each token [a, tokens]. */
  readonly logits: Float32Array;
  /** Offsets [4, height, width]. */
  readonly offsets: Float32Array;
  /** [height, width]. */
  readonly centerness: Float32Array;
  /** xyxy [a, 4] in pixels of the padded picture. */
  readonly anchors: Float32Array;
}

export interface SelectOptions {
  /** For each label, the positions of its tokens. */
  readonly labelTokens: readonly (readonly number[])[];
  /** Size of the resized picture without its padding. */
  readonly width: number;
  readonly height: number;
  /** How the score of a label is computed from the probabilities of its tokens; the published models use the mean. */
  readonly aggregation?: "mean" | "max";
  /** Minimum score of a label before centerness, exclusive. */
  readonly threshold?: number;
  /** Maximum number of candidates per feature map. */
  readonly perLevel?: number;
  /** Overlap above which a better box of the same label suppresses another. */
  readonly suppression?: number;
  /** Maximum number of detections; more if several have the last score. */
  readonly limit?: number;
}

export interface Detections {
  /** xyxy [n, 4] in pixels of the resized picture. */
  readonly boxes: Float32Array;
  readonly scores: Float32Array;
  /** Index into `labelTokens` [n]. */
  readonly labels: Int32Array;
}

/** Detections of one picture: candidates of every feature map, suppressed within each label, in the candidates' order (not by score). */
export function selectDetections(levels: readonly LevelOutputs[], options: SelectOptions): Detections {
  return finalDetections(candidateDetections(levels, options), options);
}

/**
 * Candidates of every feature map before suppression. Within a map the best comes first; equal scores keep the order of anchors, then labels.
 * A score is the root of the label's score times centerness.
 */
export function candidateDetections(levels: readonly LevelOutputs[], options: SelectOptions): Detections {
  return joined(levels.map((level) => candidatesOfLevel(level, options)));
}

/** Concatenates detections. */
export function joined(found: readonly Detections[]): Detections {
  const count = found.reduce((sum, part) => sum + part.scores.length, 0);
  const all = { boxes: new Float32Array(4 * count), scores: new Float32Array(count), labels: new Int32Array(count) };
  let at = 0;
  for (const part of found) {
    all.boxes.set(part.boxes, 4 * at);
    all.scores.set(part.scores, at);
    all.labels.set(part.labels, at);
    at += part.scores.length;
  }
  return all;
}

/** The candidates left after suppression and the limit, in their order. */
export function finalDetections(
  candidates: Detections,
  { suppression = 0.6, limit = 100 }: Pick<SelectOptions, "suppression" | "limit">,
): Detections {
  const kept = suppressByLabel(candidates.boxes, candidates.scores, candidates.labels, suppression);
  if (kept.length <= limit) return pick(candidates, kept);
  const scores = Float32Array.from(kept, (index) => candidates.scores[index]!);
  const last = scores.toSorted()[scores.length - limit]!;
  return pick(
    candidates,
    kept.filter((index) => candidates.scores[index]! >= last),
  );
}

/** The same detections, best score first. */
export function bestFirst(detections: Detections): Detections {
  return pick(detections, descending(detections.scores));
}

/** The detections with boxes scaled to another picture size, by the ratios of the sizes (no ±1). */
export function rescaleDetections(detections: Detections, ratios: { x: number; y: number }): Detections {
  const x = fround(ratios.x);
  const y = fround(ratios.y);
  return { ...detections, boxes: detections.boxes.map((value, k) => value * (k % 2 ? y : x)) };
}

function pick({ boxes, scores, labels }: Detections, indices: Int32Array): Detections {
  const picked = new Float32Array(4 * indices.length);
  indices.forEach((index, k) => {
    picked.set(boxes.subarray(4 * index, 4 * index + 4), 4 * k);
  });
  return {
    boxes: picked,
    scores: Float32Array.from(indices, (index) => scores[index]!),
    labels: Int32Array.from(indices, (index) => labels[index]!),
  };
}

function candidatesOfLevel(level: LevelOutputs, options: SelectOptions): Detections {
  const { width, height, perLevel = 1000 } = options;
  const { anchors, labels, products } = aboveThreshold(level, options);
  const order = descending(products).subarray(0, perLevel);
  const count = level.centerness.length;
  const offsets = new Float32Array(4 * order.length);
  const places = new Float32Array(4 * order.length);
  order.forEach((index, k) => {
    const anchor = anchors[index]!;
    for (let side = 0; side < 4; side++) {
      offsets[4 * k + side] = level.offsets[side * count + anchor]!;
      places[4 * k + side] = level.anchors[4 * anchor + side]!;
    }
  });
  const boxes = decodeBoxes(offsets, places);
  for (let k = 0; k < boxes.length; k++) boxes[k] = min(max(boxes[k]!, 0), (k % 2 ? height : width) - 1);
  return {
    boxes,
    scores: Float32Array.from(order, (index) => sqrt(products[index]!)),
    labels: Int32Array.from(order, (index) => labels[index]!),
  };
}

/** Pairs of an anchor and a label above the threshold, ordered by anchors, then labels, with score times centerness. */
function aboveThreshold(level: LevelOutputs, { labelTokens, aggregation = "mean", threshold = 0.05 }: SelectOptions) {
  const { logits, centerness } = level;
  const tokens = logits.length / centerness.length;
  const limit = fround(threshold);
  // Neither the mean nor the maximum is above the threshold unless one logit is: most labels are decided without an exponential.
  const needed = limit > 0 ? log(limit / (1 - limit)) - 1e-3 : -Infinity;
  const used = Int32Array.from(new Set(labelTokens.flat())).sort();
  const score = aggregation === "mean" ? meanProbability : largestProbability;
  const anchors: number[] = [];
  const labels: number[] = [];
  const products: number[] = [];
  for (let anchor = 0; anchor < centerness.length; anchor++) {
    const row = anchor * tokens;
    if (!anyAbove(logits, row, used, needed)) continue;
    const centre = sigmoid(centerness[anchor]!);
    for (let label = 0; label < labelTokens.length; label++) {
      const positions = labelTokens[label]!;
      if (!anyAbove(logits, row, positions, needed)) continue;
      const value = score(logits, row, positions);
      if (!(value > limit)) continue;
      anchors.push(anchor);
      labels.push(label);
      products.push(fround(value * centre));
    }
  }
  return { anchors, labels, products: Float32Array.from(products) };
}

function anyAbove(logits: Float32Array, row: number, positions: ArrayLike<number>, limit: number): boolean {
  for (let k = 0; k < positions.length; k++) if (logits[row + positions[k]!]! > limit) return true;
  return false;
}

function meanProbability(logits: Float32Array, row: number, positions: readonly number[]): number {
  let sum = 0;
  for (const position of positions) sum += sigmoid(logits[row + position]!);
  return fround(fround(sum) / positions.length);
}

function largestProbability(logits: Float32Array, row: number, positions: readonly number[]): number {
  let largest = 0;
  for (const position of positions) largest = max(largest, sigmoid(logits[row + position]!));
  return largest;
}

function sigmoid(x: number): number {
  return fround(1 / (1 + exp(-x)));
}
