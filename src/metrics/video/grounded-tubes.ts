/**
 * Spatio-temporal grounding: how well one tube answers a question, in the conventions of VidSTG and of HC-STVG.
 * Sources: antoyang/TubeDETR `datasets/vidstg_eval.py`, `datasets/hcstvg_eval.py`; tzhhhh123/HC-STVG `evaluate.py`.
 */

import { plainOverlap, type Xyxy } from "../../tracking/overlap.ts";

/** Boxes by frame number. */
export type FrameBoxes = ReadonlyMap<number, Xyxy>;

/** A question with its true and its predicted answer; intervals are [first, end) in frames. */
export interface GroundedAnswer {
  /** The frames that are scored. */
  sampled: readonly number[];
  truth: { interval: readonly [number, number]; boxes: FrameBoxes };
  prediction: { interval: readonly [number, number]; boxes: FrameBoxes };
}

/** The scores of a tube. */
export interface TubeScores {
  /** Overlap of the intervals. */
  tiou: number;
  /** Overlaps of boxes in both intervals, over the frames of either. */
  viou: number;
  /** The same where the true interval is given. */
  gtViou: number;
}

/** vIoU and tIoU over sampled frames, as TubeDETR computes them; frames between two disjoint intervals count as of either. */
export function sampledTubeScores({ sampled, truth, prediction }: GroundedAnswer): TubeScores {
  const [start, end] = truth.interval;
  const [from, to] = prediction.interval;
  const [first, last] = [Math.min(start, from), Math.max(end, to)];
  const both = Math.max(0, Math.min(end, to) - Math.max(start, from));
  let [overlaps, ofTruth, either, own] = [0, 0, 0, 0];
  for (const frame of sampled) {
    if (frame >= first && frame < last) either++;
    if (frame < start || frame >= end) continue;
    own++;
    const overlap = frameOverlap(truth.boxes.get(frame), prediction.boxes.get(frame));
    ofTruth += overlap;
    if (frame >= from && frame < to) overlaps += overlap;
  }
  return {
    tiou: both / (last - first),
    viou: overlaps / Math.max(either, 1),
    gtViou: ofTruth / Math.max(own, 1),
  };
}

/** A tube of HC-STVG: frames from `first` to `last`, both included. */
export interface InclusiveTube {
  first: number;
  last: number;
  boxes: FrameBoxes;
}

/** vIoU and tIoU over every frame with inclusive ends, as HC-STVG's own program computes them; no prediction scores 0. */
export function inclusiveTubeScores(
  truth: InclusiveTube,
  prediction: InclusiveTube | undefined,
): Pick<TubeScores, "tiou" | "viou"> {
  if (!prediction) return { tiou: 0, viou: 0 };
  const either = Math.max(truth.last, prediction.last) - Math.min(truth.first, prediction.first) + 1;
  const [first, last] = [Math.max(truth.first, prediction.first), Math.min(truth.last, prediction.last)];
  let overlaps = 0;
  for (let frame = first; frame <= last; frame++)
    overlaps += frameOverlap(truth.boxes.get(frame), prediction.boxes.get(frame));
  return { tiou: Math.max(0, last - first + 1) / either, viou: overlaps / either };
}

/** Frames that TubeDETR looks at: of [start, end) at `rate` per second, at most `most`. */
export function sampleFrames(start: number, end: number, rates: { fps: number; rate: number; most: number }): number[] {
  const frames: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (let frame = start; frame < end; frame++) {
    const slot = Math.trunc((frame * rates.rate) / rates.fps);
    if (slot > last) frames.push(frame);
    last = Math.max(last, slot);
  }
  if (frames.length <= rates.most) return frames;
  return Array.from({ length: rates.most }, (_, j) => frames[Math.floor((j * frames.length) / rates.most)]!);
}

/** Share of answers whose score is more than `least`. */
export function shareAbove(scores: readonly number[], least: number): number {
  return scores.length ? scores.filter((score) => score > least).length / scores.length : 0;
}

function frameOverlap(a: Xyxy | undefined, b: Xyxy | undefined): number {
  return a && b ? plainOverlap(a, b) : 0;
}
