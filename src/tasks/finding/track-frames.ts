/** Follows things through the frames of a video: detection in each frame, then tracking. */

import { luma } from "../../inputs/video/shots/colours.ts";
import { correlation } from "../../inputs/video/shots/frame-scores.ts";
import { REFERENCE_RATE } from "../../tracking/tracker.ts";
import { type LabelledBox, type TrackerName, trackByLabel, trackers } from "../../tracking/tracker-names.ts";
import type { DetectOptions } from "./detect-options.ts";
import type { Detection } from "./detection.ts";

/** A frame of a video: RGB, rows without gaps. */
export interface FrameOfVideo {
  /** Seconds from the first frame; grows from frame to frame. */
  readonly time: number;
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A thing in a frame. */
export interface TrackedDetection extends Detection {
  /** From 1; the same in all frames for one thing. */
  id: number;
}

/** A frame with the things in it. */
export interface TrackedFrame {
  /** Position of the frame, from 0. */
  index: number;
  /** Seconds from the first frame. */
  time: number;
  tracks: TrackedDetection[];
  /** The frame itself. */
  frame: FrameOfVideo;
}

/** Options of `track`. */
export interface TrackOptions extends Omit<DetectOptions, "threshold"> {
  /** Score from which a detection is certain and starts a track, 0 to 1 (default 0.5). */
  threshold?: number;
  /** Frames per second that are used (default: every frame of the file). */
  rate?: number;
  /** How boxes are joined to tracks (default `grounded`). */
  tracker?: TrackerName;
}

/**
 * Two frames belong to different shots where pixels differ by so much on average (0 to 255) and histograms of luma correlate so little. At
 * few frames per second pixels alone differ as much when the camera moves.
 */
const CUT = 27;
const ALIKE = 0.8;
/** About so many pixels of a frame are compared. */
const COMPARED = 10_000;

/** Least score of detections that are asked for: uncertain ones keep known things. */
export function leastScore(threshold: number): number {
  return Math.min(threshold, Math.max(0.1, threshold / 3));
}

/** Detects and tracks, frame by frame; tracks end at cuts. */
export async function* trackFrames<Frame extends FrameOfVideo>(
  frames: AsyncIterable<Frame>,
  find: (frame: Frame) => Promise<readonly Detection[]>,
  { threshold, tracker = "grounded" }: { threshold: number; tracker?: TrackerName },
): AsyncGenerator<TrackedFrame> {
  let rate = REFERENCE_RATE;
  const tracks = trackByLabel(() => trackers[tracker](threshold, rate));
  let before: { time: number; colours: Uint8Array } | undefined;
  let index = 0;
  for await (const frame of frames) {
    const colours = someColours(frame);
    if (before) {
      rate = 1 / (frame.time - before.time);
      if (differ(before.colours, colours)) tracks.cut();
    }
    before = { time: frame.time, colours };
    const found = tracks.step(frame.time, (await find(frame)).map(boxOf));
    yield {
      index: index++,
      time: frame.time,
      tracks: found.map(({ id, label, score, box }) => ({ id, label, score, box: sidesOf(box, frame) })),
      frame,
    };
  }
}

function boxOf({ box: { xmin, ymin, xmax, ymax }, score, label }: Detection): LabelledBox {
  return { box: [xmin, ymin, xmax, ymax], score, label };
}

/** A box within the frame. */
function sidesOf([x1, y1, x2, y2]: LabelledBox["box"], { width, height }: FrameOfVideo): Detection["box"] {
  const within = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  return { xmin: within(x1, width), ymin: within(y1, height), xmax: within(x2, width), ymax: within(y2, height) };
}

/** Evenly spaced pixels of a frame. */
function someColours({ data, width, height }: FrameOfVideo): Uint8Array {
  const step = Math.max(1, Math.floor(Math.sqrt((width * height) / COMPARED)));
  const colours: number[] = [];
  for (let y = 0; y < height; y += step)
    for (let x = 0; x < width; x += step) {
      const at = 3 * (y * width + x);
      colours.push(data[at]!, data[at + 1]!, data[at + 2]!);
    }
  return Uint8Array.from(colours);
}

/** Whether two frames are so different that a cut lies between them. */
function differ(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return true;
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += Math.abs(a[k]! - b[k]!);
  return sum / a.length >= CUT && correlation(lumas(a), lumas(b)) <= ALIKE;
}

/** Histogram of luma in 128 bins. */
function lumas(colours: Uint8Array): Float64Array {
  const counts = new Float64Array(128);
  for (let at = 0; at < colours.length; at += 3) counts[luma(colours[at]!, colours[at + 1]!, colours[at + 2]!) >> 1]!++;
  return counts;
}
