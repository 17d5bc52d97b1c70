/** What all trackers have in common: they take the detections of a frame and return boxes with ids. */

import type { Xyxy } from "./overlap.ts";

/** Reference frames per second: constants of trackers (noise, ages) are per reference frame. */
export const REFERENCE_RATE = 30;

/** A box that a detector found in a frame. */
export interface DetectedBox {
  box: Xyxy;
  /** 0 to 1. */
  score: number;
  /** Appearance, for trackers that use it; all of one length. Its scale does not matter. */
  feature?: ArrayLike<number>;
}

/** A box of a track in a frame. */
export interface TrackedBox {
  /** From 1; an id belongs to one thing. */
  id: number;
  box: Xyxy;
  /** Score of the last detection of the track. */
  score: number;
  /** Index of its detection among those of the frame; absent where the box is predicted. */
  detection?: number;
}

/** An active track after a frame. */
export interface TrackState {
  id: number;
  /** `reported`: shown while it is seen. `new`: not certain yet. `lost`: not seen, still looked for. */
  status: "reported" | "new" | "lost";
  /** Frames without a detection since the last one. */
  missed: number;
  /** Detections in a row. */
  hits: number;
}

/** Follows things through the frames of one shot. Start another tracker after a cut. */
export interface Tracker {
  /**
   * Takes the detections of the next frame and returns the boxes of tracks in it. `time` is in seconds and grows from call to call.
   * Detections with a box that is not finite or has no area are left out.
   */
  step(time: number, detections: readonly DetectedBox[]): TrackedBox[];
  /** The active tracks after the last frame. */
  living(): TrackState[];
}

/** Reference frames from one time to another, in seconds; whole where the rounding of times alone says otherwise. */
export function framesBetween(from: number, to: number): number {
  return Math.round((to - from) * REFERENCE_RATE * 1e6) / 1e6;
}

/** A detection with its index in the frame. */
export interface Indexed extends DetectedBox {
  index: number;
}

/** The detections that trackers can use, with their indices. */
export function usable(detections: readonly DetectedBox[]): Indexed[] {
  return detections.flatMap((detection, index) => (hasArea(detection.box) ? [{ ...detection, index }] : []));
}

/** Whether a box is finite and its right and bottom sides lie beyond its left and top sides. */
export function hasArea([x1, y1, x2, y2]: Xyxy): boolean {
  return x2 > x1 && y2 > y1 && Number.isFinite(x1 + y1 + x2 + y2);
}

/** Counts reference frames from step to step. Throws if time does not grow. */
export function clock(): (time: number) => number {
  let last: number | undefined;
  return (time) => {
    if (last !== undefined && !(time > last))
      throw new RangeError(`a tracker's time must grow; ${time} follows ${last}`);
    const frames = last === undefined ? 1 : framesBetween(last, time);
    last = time;
    return frames;
  };
}
