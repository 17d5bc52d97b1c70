/**
 * SORT: overlap and constant velocity alone. Source: Bewley et al., "Simple Online and Realtime Tracking" (ICIP 2016), written from its
 * formulas.
 */

import { AREA_MEASURED, AREA_NOISE, areaBox, areaMotion, areaOf, keepAreaPositive } from "./area-motion.ts";
import { assign, free, type Pair } from "./assignment.ts";
import { correct, type Motion, predict } from "./kalman.ts";
import { overlapTable, plainOverlap } from "./overlap.ts";
import { clock, type DetectedBox, type Indexed, type Tracker, usable } from "./tracker.ts";

export interface SortOptions {
  /** Reference frames without a detection after which a track ends (default 1). */
  maxAge?: number;
  /** Detections in a row before a track is reported (default 3). Within the first so many frames all tracks are. */
  minHits?: number;
  /** Overlap from which a detection can belong to a track (default 0.3). */
  minOverlap?: number;
}

interface Track {
  readonly id: number;
  readonly motion: Motion;
  seen: Indexed;
  /** Steps and reference frames since the last detection. */
  missed: number;
  age: number;
  hits: number;
}

/** A tracker that uses overlaps alone; it ignores scores. */
export function sort({ maxAge = 1, minHits = 3, minOverlap = 0.3 }: SortOptions = {}): Tracker {
  const framesOf = clock();
  let tracks: Track[] = [];
  let count = 0;
  let steps = 0;
  return {
    step(time: number, given: readonly DetectedBox[]) {
      const frames = framesOf(time);
      const detections = usable(given);
      steps++;
      for (const track of tracks) advance(track, frames);
      tracks = tracks.filter((track) => areaBox(track.motion).every(Number.isFinite));
      const overlaps = overlapTable(
        detections.map(({ box }) => box),
        tracks.map((track) => areaBox(track.motion)),
        plainOverlap,
      );
      const pairs = pairsByOverlap(overlaps, minOverlap);
      for (const [d, t] of pairs) see(tracks[t]!, detections[d]!);
      for (const d of free(pairs, 0, detections.length)) tracks.push(trackOf(++count, detections[d]!));
      const shown = tracks.filter(({ missed, hits }) => missed === 0 && (hits >= minHits || steps <= minHits));
      tracks = tracks.filter(({ age }) => age <= maxAge);
      return shown.map(({ id, motion, seen }) => ({
        id,
        box: areaBox(motion),
        score: seen.score,
        detection: seen.index,
      }));
    },
    living: () =>
      tracks.map(({ id, missed, hits }) => {
        const certain = hits >= minHits || steps <= minHits;
        return { id, missed, hits, status: missed ? "lost" : certain ? "reported" : "new" };
      }),
  };
}

/**
 * Pairs of rows and columns by overlap: where more than `least` already relates them one to one, these; else the assignment of most
 * overlap (plus `bonus`), without pairs below `least`.
 */
export function pairsByOverlap(
  overlaps: readonly Float64Array[],
  least: number,
  bonus?: readonly Float64Array[],
): Pair[] {
  return (
    oneToOne(overlaps, least) ??
    assign(overlaps.map((row, r) => row.map((overlap, c) => -(overlap + (bonus?.[r]?.[c] ?? 0))))).filter(
      ([row, column]) => overlaps[row]![column]! >= least,
    )
  );
}

/** The pairs above `least`, if there are any and no row or column has two. */
function oneToOne(overlaps: readonly Float64Array[], least: number): Pair[] | undefined {
  const pairs: Pair[] = [];
  const columns = new Set<number>();
  for (const [row, values] of overlaps.entries()) {
    let own = 0;
    for (const [column, value] of values.entries()) {
      if (!(value > least)) continue;
      if (++own > 1 || columns.has(column)) return undefined;
      columns.add(column);
      pairs.push([row, column]);
    }
  }
  return pairs.length ? pairs : undefined;
}

function trackOf(id: number, seen: Indexed): Track {
  return { id, motion: areaMotion(areaOf(seen.box)), seen, missed: 0, age: 0, hits: 0 };
}

function advance(track: Track, frames: number): void {
  keepAreaPositive(track.motion, frames);
  predict(track.motion, frames, AREA_NOISE);
  if (track.missed > 0) track.hits = 0;
  track.missed++;
  track.age += frames;
}

function see(track: Track, seen: Indexed): void {
  correct(track.motion, areaOf(seen.box), AREA_MEASURED);
  track.seen = seen;
  track.missed = 0;
  track.age = 0;
  track.hits++;
}
