/**
 * DeepSORT: appearance first, gated by motion, then overlap. Source: Wojke et al., "Simple Online and Realtime Tracking with a Deep
 * Association Metric" (ICIP 2017), written from its formulas.
 */

import { assignClamped, type Costs, free, type Pair } from "./assignment.ts";
import { correctHeight, distanceByHeight, heightBox, heightMotion, heightOf, predictHeight } from "./height-motion.ts";
import { GATE_OF_FOUR, type Motion } from "./kalman.ts";
import { plainOverlap } from "./overlap.ts";
import { clock, type DetectedBox, type Indexed, type Tracker, usable } from "./tracker.ts";

export interface DeepSortOptions {
  /** Largest cosine distance of the appearance (default 0.2, made for the published network; calibrate it for other features). */
  maxDistance?: number;
  /** Maximum number of appearances kept of a track, the latest ones (default 100). */
  gallery?: number;
  /** Largest 1 − overlap in the second round (default 0.7). */
  maxOverlapDistance?: number;
  /** Reference frames without a detection after which a track ends (default 30). */
  maxAge?: number;
  /** Detections in a row, the first one included, before a track is reported (default 3). */
  minHits?: number;
  /** Detections with a lower score are ignored (default 0.3). */
  minScore?: number;
}

interface Track {
  readonly id: number;
  readonly motion: Motion;
  /** Unit vectors. */
  gallery: Float64Array[];
  /** Appearances that enter the gallery once the track is certain. */
  waiting: Float64Array[];
  certain: boolean;
  seen: Indexed;
  missed: number;
  age: number;
  hits: number;
}

interface Limits extends Required<DeepSortOptions> {}

/** A cost above every limit. */
const NEVER = 1e5;

/** A tracker for detections with a `feature`; without features all look alike, and motion and overlap decide. */
export function deepSort(options: DeepSortOptions = {}): Tracker {
  const limits: Limits = {
    maxDistance: 0.2,
    gallery: 100,
    maxOverlapDistance: 0.7,
    maxAge: 30,
    minHits: 3,
    minScore: 0.3,
    ...options,
  };
  const framesOf = clock();
  let tracks: Track[] = [];
  let count = 0;
  return {
    step(time: number, given: readonly DetectedBox[]) {
      const frames = framesOf(time);
      const detections = usable(given).filter(({ score }) => score >= limits.minScore);
      for (const track of tracks) advance(track, frames);
      const pairs = match(tracks, detections, limits);
      for (const [t, d] of pairs) see(tracks[t]!, detections[d]!, limits);
      tracks = tracks.filter(({ missed, certain, age }) => missed === 0 || (certain && age <= limits.maxAge));
      for (const d of free(pairs, 1, detections.length)) tracks.push(trackOf(++count, detections[d]!));
      for (const track of tracks) if (track.certain) remember(track, limits.gallery);
      return tracks
        .filter(({ certain, missed }) => certain && missed <= 1)
        .map(({ id, motion, seen, missed }) => ({
          id,
          box: heightBox(motion),
          score: seen.score,
          ...(missed ? {} : { detection: seen.index }),
        }));
    },
    living: () =>
      tracks.map(({ id, missed, hits, certain }) => {
        return { id, missed, hits, status: !certain ? "new" : missed > 1 ? "lost" : "reported" };
      }),
  };
}

/** Pairs of tracks and detections: by appearance, tracks missed for the least time first; then by overlap. */
function match(tracks: readonly Track[], detections: readonly Indexed[], limits: Limits): Pair[] {
  const pairs: Pair[] = [];
  const left = () => free(pairs, 1, detections.length);
  const certain = tracks.flatMap(({ certain }, index) => (certain ? [index] : []));
  for (const missed of [...new Set(certain.map((index) => tracks[index]!.missed))].sort((a, b) => a - b)) {
    const rows = certain.filter((index) => tracks[index]!.missed === missed && tracks[index]!.age <= limits.maxAge);
    const cost = (track: Track, detection: Indexed) => appearanceCost(track, detection);
    pairs.push(...matchSome({ tracks, rows, detections, columns: left() }, cost, limits.maxDistance));
  }
  const matched = new Set(pairs.map(([t]) => t));
  const rows = [
    ...free([], 0, tracks.length).filter((index) => !tracks[index]!.certain),
    ...certain.filter((index) => !matched.has(index) && tracks[index]!.missed === 1),
  ];
  const cost = ({ motion }: Track, { box }: Indexed) => 1 - plainOverlap(heightBox(motion), box);
  pairs.push(...matchSome({ tracks, rows, detections, columns: left() }, cost, limits.maxOverlapDistance));
  return pairs;
}

interface Sides {
  tracks: readonly Track[];
  rows: readonly number[];
  detections: readonly Indexed[];
  columns: readonly number[];
}

function matchSome(
  { tracks, rows, detections, columns }: Sides,
  cost: (track: Track, detection: Indexed) => number,
  most: number,
): Pair[] {
  const costs: Costs = rows.map((row) =>
    Float64Array.from(columns, (column) => cost(tracks[row]!, detections[column]!)),
  );
  return assignClamped(costs, most).map(([r, c]): Pair => [rows[r]!, columns[c]!]);
}

/** Least cosine distance to the gallery; `NEVER` if the motion makes the match impossible. */
function appearanceCost({ motion, gallery }: Track, { box, feature }: Indexed): number {
  if (distanceByHeight(motion, heightOf(box)) > GATE_OF_FOUR) return NEVER;
  if (!feature || !gallery.length) return 0;
  const unit = unitVector(feature);
  let least = Infinity;
  for (const other of gallery) least = Math.min(least, 1 - dot(unit, other));
  return Math.max(least, 0);
}

function trackOf(id: number, seen: Indexed): Track {
  const waiting = seen.feature ? [unitVector(seen.feature)] : [];
  const motion = heightMotion(heightOf(seen.box));
  return { id, motion, gallery: [], waiting, certain: false, seen, missed: 0, age: 0, hits: 1 };
}

function advance(track: Track, frames: number): void {
  predictHeight(track.motion, frames);
  track.missed++;
  track.age += frames;
}

function see(track: Track, seen: Indexed, { minHits }: Limits): void {
  correctHeight(track.motion, heightOf(seen.box));
  if (seen.feature) track.waiting.push(unitVector(seen.feature));
  track.seen = seen;
  track.missed = 0;
  track.age = 0;
  track.hits++;
  if (track.hits >= minHits) track.certain = true;
}

function remember(track: Track, most: number): void {
  track.gallery.push(...track.waiting);
  track.waiting = [];
  if (track.gallery.length > most) track.gallery.splice(0, track.gallery.length - most);
}

function unitVector(feature: ArrayLike<number>): Float64Array {
  const vector = Float64Array.from(feature);
  const length = Math.sqrt(dot(vector, vector));
  return length > 0 ? vector.map((value) => value / length) : vector;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}
