/** Sequences of boxes with ids, compared frame by frame: what all scores of tracking start from. */

import { overlapTable, plainOverlap, type Xyxy } from "../../tracking/overlap.ts";

/** A box with the id of its thing. */
export interface BoxWithId {
  id: number;
  box: Xyxy;
}

/** Boxes of a sequence, frame by frame; an id stands at most once in a frame. Both lists have the same length. */
export interface TrackingSequence {
  truth: readonly (readonly BoxWithId[])[];
  predictions: readonly (readonly BoxWithId[])[];
}

/** Rounding allowed at thresholds: the step of float64 at 1. */
export const ROUNDING = Number.EPSILON;

/** Minimum overlap of a match in CLEAR and Identity. */
export const MATCH = 0.5;

/** A sequence prepared for the scores: ids counted from 0, and overlaps. */
export interface ComparedFrames {
  frames: {
    truth: Int32Array;
    predictions: Int32Array;
    /** Overlap of each box of the truth with each prediction. */
    overlaps: Float64Array[];
  }[];
  truths: number;
  predicted: number;
  truthBoxes: number;
  predictedBoxes: number;
}

/** Overlaps of a sequence, computed once for all scores. Throws RangeError where an id stands twice in a frame. */
export function compareFrames({ truth, predictions }: TrackingSequence): ComparedFrames {
  if (truth.length !== predictions.length)
    throw new RangeError(`${truth.length} frames of truth, but ${predictions.length} of predictions`);
  const truthIds = counter("truth");
  const predictedIds = counter("predictions");
  const frames = truth.map((boxes, frame) => ({
    truth: truthIds.number(boxes, frame),
    predictions: predictedIds.number(predictions[frame]!, frame),
    overlaps: overlapTable(
      boxes.map(({ box }) => box),
      predictions[frame]!.map(({ box }) => box),
      plainOverlap,
    ),
  }));
  return {
    frames,
    truths: truthIds.ids.size,
    predicted: predictedIds.ids.size,
    truthBoxes: truth.reduce((sum, boxes) => sum + boxes.length, 0),
    predictedBoxes: predictions.reduce((sum, boxes) => sum + boxes.length, 0),
  };
}

function counter(what: string) {
  const ids = new Map<number, number>();
  const number = (boxes: readonly BoxWithId[], frame: number) => {
    const seen = new Set<number>();
    return Int32Array.from(boxes, ({ id }) => {
      if (seen.has(id)) throw new RangeError(`id ${id} stands twice in frame ${frame} of the ${what}`);
      seen.add(id);
      const known = ids.get(id) ?? ids.size;
      ids.set(id, known);
      return known;
    });
  };
  return { ids, number };
}
