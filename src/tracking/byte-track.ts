/**
 * ByteTrack: certain detections first, then uncertain ones for tracks that are still seen. Source: Zhang et al., "ByteTrack: Multi-Object
 * Tracking by Associating Every Detection Box" (ECCV 2022), `yolox/tracker/byte_tracker.py`.
 */

import { assignLimited, free } from "./assignment.ts";
import { correctHeight, heightBox, heightMotion, heightOf, predictHeight } from "./height-motion.ts";
import type { Motion } from "./kalman.ts";
import { type Overlap, plainOverlap, type Xyxy } from "./overlap.ts";
import { clock, type DetectedBox, framesBetween, type Indexed, type Tracker, usable } from "./tracker.ts";

export interface ByteTrackOptions {
  /** Score from which a detection is certain (default 0.6). */
  threshold?: number;
  /** Score from which a detection starts a track (default: 0.1 more than `threshold`). */
  startScore?: number;
  /** Reference frames for which a lost track is looked for (default 30). */
  buffer?: number;
  /** Largest cost in the first round (default 0.9). */
  maxCost?: number;
  /** Overlap of two boxes (default `plainOverlap`; the published program uses `inclusiveOverlap`). */
  overlap?: Overlap;
  /** Whether costs are 1 − overlap · score (default) instead of 1 − overlap, which MOT20 uses. */
  costs?: "scored" | "plain";
  /** Whether a score equal to the threshold is certain (default); the published program ignores it. */
  atThreshold?: "certain" | "left out";
}

interface Track {
  readonly id: number;
  readonly motion: Motion;
  status: "reported" | "new" | "lost";
  seen: Indexed;
  firstSeen: number;
  lastSeen: number;
  missed: number;
  hits: number;
}

/** Score above which a detection is used at all. */
const LEAST_SCORE = 0.1;
/** Overlap distance below which a lost track is the same as a seen one. */
const DUPLICATE = 0.15;

/** A tracker that also uses uncertain detections. */
export function byteTrack(options: ByteTrackOptions = {}): Tracker {
  const limits: Required<ByteTrackOptions> = {
    threshold: 0.6,
    startScore: (options.threshold ?? 0.6) + 0.1,
    buffer: 30,
    maxCost: 0.9,
    overlap: plainOverlap,
    costs: "scored",
    atThreshold: "certain",
    ...options,
  };
  const framesOf = clock();
  const overdue = new Set<Track>();
  let tracks: Track[] = [];
  let count = 0;
  let first = true;
  return {
    step(time: number, given: readonly DetectedBox[]) {
      const frames = framesOf(time);
      const { certain, uncertain } = byScore(usable(given), limits);
      const lostBefore = tracks.filter(({ status }) => status === "lost");
      for (const track of tracks) advance(track, frames);
      const rest = matchAll(tracks, { certain, uncertain }, limits, time);
      for (const seen of rest)
        if (seen.score >= limits.startScore) tracks.push(trackOf(++count, seen, time, first ? "reported" : "new"));
      first = false;
      tracks = tracks.filter((track) => !(track.status === "new" && track.missed > 0));
      // As published: an expired track takes part in one more frame and cannot become lost again.
      tracks = tracks.filter((track) => !(track.status === "lost" && overdue.has(track)));
      for (const track of lostBefore)
        if (track.status === "lost" && framesBetween(track.lastSeen, time) > limits.buffer + 1e-6) overdue.add(track);
      tracks = withoutDuplicates(tracks, limits.overlap);
      return tracks
        .filter(({ status }) => status === "reported")
        .map(({ id, motion, seen }) => ({ id, box: heightBox(motion), score: seen.score, detection: seen.index }));
    },
    living: () => tracks.map(({ id, status, missed, hits }) => ({ id, status, missed, hits })),
  };
}

function byScore(detections: readonly Indexed[], { threshold, atThreshold }: Required<ByteTrackOptions>) {
  const isCertain = (score: number) => score > threshold || (atThreshold === "certain" && score === threshold);
  return {
    certain: detections.filter(({ score }) => isCertain(score)),
    uncertain: detections.filter(({ score }) => score > LEAST_SCORE && score < threshold),
  };
}

/** The three rounds. Returns the certain detections that belong to no track. */
function matchAll(
  tracks: readonly Track[],
  { certain, uncertain }: { certain: readonly Indexed[]; uncertain: readonly Indexed[] },
  limits: Required<ByteTrackOptions>,
  time: number,
): Indexed[] {
  const { overlap, costs, maxCost } = limits;
  const plain = (a: Xyxy, { box }: Indexed) => 1 - overlap(a, box);
  const scored = costs === "plain" ? plain : (a: Xyxy, seen: Indexed) => 1 - overlap(a, seen.box) * seen.score;
  const round = (some: readonly Track[], seen: readonly Indexed[], cost: typeof plain, most: number) => {
    const boxes = some.map(({ motion }) => heightBox(motion));
    const table = boxes.map((box) => Float64Array.from(seen, (one) => cost(box, one)));
    const pairs = assignLimited(table, most);
    for (const [t, d] of pairs) see(some[t]!, seen[d]!, time);
    return {
      tracks: free(pairs, 0, some.length).map((index) => some[index]!),
      detections: free(pairs, 1, seen.length).map((index) => seen[index]!),
    };
  };
  const known = tracks.filter(({ status }) => status === "reported");
  const lost = tracks.filter(({ status }) => status === "lost");
  const fresh = tracks.filter(({ status }) => status === "new");
  const one = round([...known, ...lost], certain, scored, maxCost);
  const stillSeen = one.tracks.filter(({ status }) => status === "reported");
  const two = round(stillSeen, uncertain, plain, 0.5);
  for (const track of two.tracks) track.status = "lost";
  return round(fresh, one.detections, scored, 0.7).detections;
}

/** Of a reported and a lost track at the same place, drops the one with the shorter history; if equal, the reported one. */
function withoutDuplicates(tracks: readonly Track[], overlap: Overlap): Track[] {
  const dropped = new Set<Track>();
  const history = ({ lastSeen, firstSeen }: Track) => framesBetween(firstSeen, lastSeen);
  const lost = tracks
    .filter(({ status }) => status === "lost")
    .map((track) => ({ track, box: heightBox(track.motion) }));
  for (const track of tracks) {
    if (track.status !== "reported" || !lost.length) continue;
    const box = heightBox(track.motion);
    for (const other of lost)
      if (1 - overlap(box, other.box) < DUPLICATE)
        dropped.add(history(track) > history(other.track) ? other.track : track);
  }
  return dropped.size ? tracks.filter((track) => !dropped.has(track)) : [...tracks];
}

function trackOf(id: number, seen: Indexed, time: number, status: "reported" | "new"): Track {
  const motion = heightMotion(heightOf(seen.box));
  return { id, motion, status, seen, firstSeen: time, lastSeen: time, missed: 0, hits: 1 };
}

/** New tracks stay where they are, lost ones keep their height. */
function advance(track: Track, frames: number): void {
  if (track.status === "lost") track.motion.velocity[3] = 0;
  if (track.status !== "new") predictHeight(track.motion, frames);
  track.missed++;
}

function see(track: Track, seen: Indexed, time: number): void {
  correctHeight(track.motion, heightOf(seen.box));
  track.status = "reported";
  track.seen = seen;
  track.lastSeen = time;
  track.missed = 0;
  track.hits++;
}
