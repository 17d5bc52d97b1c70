/**
 * OC-SORT: SORT that trusts observations more than its filter. Source: Cao et al., "Observation-Centric SORT" (CVPR 2023),
 * `trackers/ocsort_tracker/ocsort.py` and `association.py`.
 */

import { AREA_MEASURED, AREA_NOISE, areaBox, areaMotion, areaOf, keepAreaPositive } from "./area-motion.ts";
import { assign, free, type Pair } from "./assignment.ts";
import { copyMotion, correct, type Four, type Motion, predict } from "./kalman.ts";
import { overlapTable, plainOverlap } from "./overlap.ts";
import { pairsByOverlap } from "./sort.ts";
import { clock, type DetectedBox, type Indexed, type Tracker, usable } from "./tracker.ts";

export interface OcSortOptions {
  /** Score above which a detection is certain (default 0.6). */
  threshold?: number;
  /** Reference frames without a detection after which a track ends (default 30). */
  maxAge?: number;
  /** Detections in a row before a track is reported (default 3). Within the first so many frames all tracks are. */
  minHits?: number;
  /** Overlap from which a detection can belong to a track (default 0.3). */
  minOverlap?: number;
  /** Steps over which a direction is measured (default 3). */
  span?: number;
  /** Weight of the direction beside the overlap (default 0.2). */
  inertia?: number;
  /** Uncertain detections (above 0.1) are given to tracks without a certain one (default false). */
  useUncertain?: boolean;
}

type Limits = Required<OcSortOptions>;

/** A track; exported for the tests of its filter. */
export interface OcTrack {
  readonly id: number;
  motion: Motion;
  seen: Indexed;
  /** Steps since it began. */
  steps: number;
  missed: number;
  age: number;
  hits: number;
  /** Recent observations by step, and the last one. The detection that starts a track is not an observation. */
  readonly observations: Map<number, Indexed>;
  last?: Indexed;
  /** Unit vector [y, x] of its motion, once it was observed twice. */
  direction?: readonly [number, number];
  /** The last measurement, and the estimate at the first missed step with the reference frames of the steps since then. */
  measured?: Four;
  gap?: { motion: Motion; frames: number[] };
}

/** A tracker for motion that is not straight. It reports the detections themselves. */
export function ocSort(options: OcSortOptions = {}): Tracker {
  const limits: Limits = {
    threshold: 0.6,
    maxAge: 30,
    minHits: 3,
    minOverlap: 0.3,
    span: 3,
    inertia: 0.2,
    useUncertain: false,
    ...options,
  };
  const framesOf = clock();
  let tracks: OcTrack[] = [];
  let count = 0;
  let steps = 0;
  return {
    step(time: number, given: readonly DetectedBox[]) {
      const frames = framesOf(time);
      steps++;
      for (const track of tracks) advance(track, frames);
      tracks = tracks.filter((track) => areaBox(track.motion).every(Number.isFinite));
      for (const detection of matchAll(tracks, usable(given), limits)) tracks.push(ocTrack(++count, detection));
      const shown = tracks.filter(
        ({ missed, hits }) => missed === 0 && (hits >= limits.minHits || steps <= limits.minHits),
      );
      tracks = tracks.filter(({ age }) => age <= limits.maxAge);
      return shown.map((track) => ({
        id: track.id,
        box: counts(track.last) ? track.last.box : areaBox(track.motion),
        score: track.seen.score,
        detection: track.seen.index,
      }));
    },
    living: () =>
      tracks.map(({ id, missed, hits }) => {
        const certain = hits >= limits.minHits || steps <= limits.minHits;
        return { id, missed, hits, status: missed ? "lost" : certain ? "reported" : "new" };
      }),
  };
}

/** Matches predictions, then last observations; the other tracks are missed. Returns the detections left. */
function matchAll(tracks: readonly OcTrack[], detections: readonly Indexed[], limits: Limits): Indexed[] {
  const { threshold, minOverlap, useUncertain, span } = limits;
  const certain = detections.filter(({ score }) => score > threshold);
  const uncertain = detections.filter(({ score }) => score > 0.1 && score < threshold);
  const predicted = tracks.map(({ motion }) => areaBox(motion));
  const lastBoxes = tracks.map(({ last }) => last?.box ?? NOWHERE);
  const overlaps = overlapTable(certain.map(boxOf), predicted, plainOverlap);
  const pairs = [...pairsByOverlap(overlaps, minOverlap, directionBonus(certain, tracks, limits))];
  const found = new Set(pairs.map(([, t]) => t));
  for (const [d, t] of pairs) observe(tracks[t]!, certain[d]!, span);
  const rematch = (seen: readonly Indexed[], boxes: readonly Indexed["box"][]): Pair[] => {
    const rest = free([], 0, tracks.length).filter((t) => !found.has(t));
    const table = overlapTable(
      seen.map(boxOf),
      rest.map((t) => boxes[t]!),
      plainOverlap,
    );
    if (!table.some((row) => row.some((overlap) => overlap > minOverlap))) return [];
    const kept = assign(table.map((row) => row.map((overlap) => -overlap))).filter(
      ([d, r]) => table[d]![r]! >= minOverlap,
    );
    for (const [d, r] of kept) {
      found.add(rest[r]!);
      observe(tracks[rest[r]!]!, seen[d]!, span);
    }
    return kept;
  };
  if (useUncertain) rematch(uncertain, predicted);
  const left = free(pairs, 0, certain.length).map((d) => certain[d]!);
  const again = rematch(left, lastBoxes);
  for (const [t, track] of tracks.entries()) if (!found.has(t)) miss(track);
  return free(again, 0, left.length).map((d) => left[d]!);
}

const NOWHERE = [-1, -1, -1, -1] as const;
const boxOf = ({ box }: Indexed) => box;

/** What agreement of directions adds to the overlap of each detection with each track. */
function directionBonus(
  detections: readonly Indexed[],
  tracks: readonly OcTrack[],
  { span, inertia }: Limits,
): Float64Array[] {
  const before = tracks.map((track) => observationBefore(track, span));
  return detections.map((detection) =>
    Float64Array.from(tracks, ({ direction }, t) => {
      const from = before[t];
      if (!from || !direction) return 0;
      const [y, x] = directionBetween(from, detection);
      const cosine = Math.min(Math.max(direction[1] * x + direction[0] * y, -1), 1);
      return ((Math.PI / 2 - Math.abs(Math.acos(cosine))) / Math.PI) * inertia * detection.score;
    }),
  );
}

/** Its observation `span` steps ago, else the oldest one since then, else its last one. */
function observationBefore({ observations, steps, last }: OcTrack, span: number): Indexed | undefined {
  for (let back = span; back > 0; back--) {
    const found = observations.get(steps - back);
    if (found) return found;
  }
  return last;
}

/** Unit vector [y, x] from the centre of one box to that of another. */
function directionBetween({ box: a }: Indexed, { box: b }: Indexed): readonly [number, number] {
  const dx = (b[0] + b[2]) / 2 - (a[0] + a[2]) / 2;
  const dy = (b[1] + b[3]) / 2 - (a[1] + a[3]) / 2;
  const length = Math.sqrt(dx * dx + dy * dy) + 1e-6;
  return [dy / length, dx / length];
}

/** As published, a last observation whose numbers add up to less than 0 counts as none. */
function counts(last: Indexed | undefined): last is Indexed {
  return last !== undefined && last.box[0] + last.box[1] + last.box[2] + last.box[3] + last.score >= 0;
}

/** A track that starts with a detection. */
export function ocTrack(id: number, seen: Indexed): OcTrack {
  const motion = areaMotion(measure(seen));
  return { id, motion, seen, steps: 0, missed: 0, age: 0, hits: 0, observations: new Map() };
}

/** Moves a track on by so many reference frames. */
export function advance(track: OcTrack, frames: number): void {
  keepAreaPositive(track.motion, frames);
  predict(track.motion, frames, AREA_NOISE);
  track.gap?.frames.push(frames);
  track.steps++;
  if (track.missed > 0) track.hits = 0;
  track.missed++;
  track.age += frames;
}

/** Gives a track its detection of this step. */
export function observe(track: OcTrack, seen: Indexed, span: number): void {
  if (counts(track.last)) track.direction = directionBetween(observationBefore(track, span)!, seen);
  const measured = measure(seen);
  if (track.gap && track.measured) track.motion = redone(track.gap, track.measured, measured);
  delete track.gap;
  correct(track.motion, measured, AREA_MEASURED);
  track.measured = measured;
  track.last = seen;
  track.observations.set(track.steps, seen);
  for (const step of track.observations.keys()) if (step <= track.steps - span) track.observations.delete(step);
  track.seen = seen;
  track.missed = 0;
  track.age = 0;
  track.hits++;
}

/** Tells a track that it has no detection in this step. */
export function miss(track: OcTrack): void {
  if (track.measured && !track.gap) track.gap = { motion: copyMotion(track.motion), frames: [] };
}

/** The estimate as if a track had moved straight through a gap, from its last measurement to the new one. */
function redone({ motion, frames }: NonNullable<OcTrack["gap"]>, from: Four, to: Four): Motion {
  const start = sidesOf(from);
  const end = sidesOf(to);
  const steps = frames.length + 1;
  for (let step = 1; step <= steps; step++) {
    const [x, y, width, height] = start.map((value, k) => value + (step * (end[k]! - value)) / steps);
    correct(motion, [x!, y!, width! * height!, width! / height!], AREA_MEASURED);
    if (step < steps) predict(motion, frames[step - 1]!, AREA_NOISE);
  }
  return motion;
}

/** Centre, width and height of a measurement. */
function sidesOf([x, y, area, aspect]: Four): Four {
  return [x, y, Math.sqrt(area * aspect), Math.sqrt(area / aspect)];
}

function measure({ box }: Indexed): Four {
  return areaOf(box, 1e-6);
}
