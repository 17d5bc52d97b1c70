/** The trackers by name, and tracking of labelled boxes: a tracker for each label, restarted after a cut. */

import { byteTrack } from "./byte-track.ts";
import { deepSort } from "./deep-sort.ts";
import { ocSort } from "./oc-sort.ts";
import { bufferedOverlap, type Xyxy } from "./overlap.ts";
import { sort } from "./sort.ts";
import type { Tracker } from "./tracker.ts";

/** `grounded` is ByteTrack for detections of prompts, and for few frames per second. */
export type TrackerName = "grounded" | "sort" | "deepsort" | "bytetrack" | "ocsort";

/** Below so many frames per second boxes are grown before they are compared, since things move far between frames. */
const FEW_FRAMES = 10;

/** How a tracker is made for a score from which detections are certain, and for so many frames per second. */
export const trackers: Readonly<Record<TrackerName, (threshold: number, rate: number) => Tracker>> = {
  grounded: (threshold, rate) =>
    byteTrack({
      threshold,
      startScore: threshold,
      buffer: 60,
      ...(rate < FEW_FRAMES ? { overlap: bufferedOverlap(0.3) } : {}),
    }),
  sort: (_threshold, rate) => sort({ maxAge: Math.max(1, 60 / rate) }),
  deepsort: (threshold) => deepSort({ minScore: threshold }),
  bytetrack: (threshold) => byteTrack({ threshold }),
  ocsort: (threshold) => ocSort({ threshold }),
};

/** A box with its label. */
export interface LabelledBox {
  box: Xyxy;
  score: number;
  label: string;
}

/** A box of a track with its label. */
export interface LabelledTrack extends LabelledBox {
  /** From 1; no two things of a video share one. */
  id: number;
}

/** Tracks labelled boxes frame by frame; boxes of different labels are never one thing. */
export function trackByLabel(make: () => Tracker) {
  let byLabel = new Map<string, { tracker: Tracker; ids: Map<number, number> }>();
  let count = 0;
  return {
    step(time: number, boxes: readonly LabelledBox[]): LabelledTrack[] {
      for (const { label } of boxes) if (!byLabel.has(label)) byLabel.set(label, { tracker: make(), ids: new Map() });
      return [...byLabel].flatMap(([label, { tracker, ids }]) =>
        tracker
          .step(
            time,
            boxes.filter((one) => one.label === label),
          )
          .map(({ id, box, score }) => {
            const own = ids.get(id) ?? ++count;
            ids.set(id, own);
            return { id: own, label, score, box };
          }),
      );
    },
    /** Ends all tracks, because the next frame belongs to another shot. */
    cut(): void {
      byLabel = new Map();
    },
  };
}
