/**
 * What MOTChallenge leaves out before it counts: ground truth that does not count, and predictions on things that look like people.
 * Source: JonathonLuiten/TrackEval, `trackeval/datasets/mot_challenge_2d_box.py`.
 */

import { assign } from "../../tracking/assignment.ts";
import { overlapTable, plainOverlap } from "../../tracking/overlap.ts";
import { type BoxWithId, ROUNDING, type TrackingSequence } from "./compared-frames.ts";

/** A box of MOTChallenge's ground truth. */
export interface MotTruth extends BoxWithId {
  /** 0: does not count. */
  flag: number;
  /** 1 pedestrian, 2 person on vehicle, 3 car, … 13 crowd. */
  class: number;
}

/** The benchmarks; MOT15 and those like it (DanceTrack) have no classes. */
export type MotBenchmark = "MOT15" | "MOT16" | "MOT17" | "MOT20";

const PEDESTRIAN = 1;
/** Person on vehicle, static person, distractor, reflection; in MOT20 also non-motorised vehicles. */
const DISTRACTORS: Record<MotBenchmark, ReadonlySet<number>> = {
  MOT15: new Set(),
  MOT16: new Set([2, 7, 8, 12]),
  MOT17: new Set([2, 7, 8, 12]),
  MOT20: new Set([2, 6, 7, 8, 12]),
};

/**
 * Ground truth with a flag other than 0, and all predictions. For MOT16, MOT17 and MOT20 also: only pedestrians, without predictions that
 * match a distractor with an overlap of at least 0.5.
 */
export function prepareMot(
  truth: readonly (readonly MotTruth[])[],
  predictions: readonly (readonly BoxWithId[])[],
  benchmark: MotBenchmark,
): TrackingSequence {
  const classes = DISTRACTORS[benchmark];
  const whole = classes.size === 0;
  return {
    truth: truth.map((boxes) => boxes.filter((box) => box.flag !== 0 && (whole || box.class === PEDESTRIAN))),
    predictions: predictions.map((boxes, frame) => (whole ? boxes : withoutDistracted(truth[frame]!, boxes, classes))),
  };
}

function withoutDistracted(
  truth: readonly MotTruth[],
  predictions: readonly BoxWithId[],
  distractors: ReadonlySet<number>,
): BoxWithId[] {
  const overlaps = overlapTable(
    truth.map(({ box }) => box),
    predictions.map(({ box }) => box),
    plainOverlap,
  ).map((row) => row.map((value) => (value < 0.5 - ROUNDING ? 0 : value)));
  const dropped = new Set(
    assign(overlaps.map((row) => row.map((value) => -value)))
      .filter(([g, p]) => overlaps[g]![p]! > ROUNDING && distractors.has(truth[g]!.class))
      .map(([, p]) => p),
  );
  return predictions.filter((_, p) => !dropped.has(p));
}
