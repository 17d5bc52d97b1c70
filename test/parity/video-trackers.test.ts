import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AREA_MEASURED,
  AREA_NOISE,
  areaBox,
  areaMotion,
  areaOf,
  keepAreaPositive,
} from "../../src/tracking/area-motion.ts";
import { byteTrack } from "../../src/tracking/byte-track.ts";
import { deepSort } from "../../src/tracking/deep-sort.ts";
import { correctHeight, distanceByHeight, heightMotion, predictHeight } from "../../src/tracking/height-motion.ts";
import { correct, type Four, type Motion, predict } from "../../src/tracking/kalman.ts";
import { advance, miss, observe, ocSort, ocTrack } from "../../src/tracking/oc-sort.ts";
import { inclusiveOverlap, type Xyxy } from "../../src/tracking/overlap.ts";
import { sort } from "../../src/tracking/sort.ts";
import type { TrackedBox, Tracker, TrackState } from "../../src/tracking/tracker.ts";
import { allNear, near, needsVideo, readVideoJson, videoFiles } from "./golden-video.ts";

/** Boxes are printed with six decimals. */
const PRINTED = 1e-5;

const published = { overlap: inclusiveOverlap, atThreshold: "left out" } as const;
const variants: Record<string, () => Tracker> = {
  sort: () => sort(),
  sortMinHits1MaxAge5: () => sort({ maxAge: 5, minHits: 1 }),
  deepsort: () => deepSort(),
  bytetrack: () => byteTrack(published),
  bytetrackContinuousIou: () => byteTrack({ atThreshold: "left out" }),
  bytetrackInclusive: () => byteTrack(),
  bytetrackMot20: () => byteTrack({ atThreshold: "left out", costs: "plain" }),
  ocsort: () => ocSort(),
  ocsortUseByte: () => ocSort({ useUncertain: true }),
};

type Row = [id: number, x1: number, y1: number, x2: number, y2: number, score?: number];
type Internal = [id: number, ...rest: (number | string)[]][] | { lost: number[]; unconfirmed: number[] };
interface Sequence {
  frames: { detections: [number, number, number, number, number][]; features: number[][] }[];
}
type Expected = Record<string, { frames: Row[][]; internal?: Internal[] }>;

/** Names of expected ids among ours; a frame's rows may come in any order. */
class Renaming {
  private readonly ours = new Map<number, number>();
  private readonly taken = new Set<number>();

  match(expected: readonly Row[], found: readonly TrackedBox[], where: string): void {
    assert.equal(found.length, expected.length, `${where}: number of boxes`);
    const left = [...found];
    for (const [id, ...numbers] of expected) {
      const known = this.ours.get(id);
      const at = left.findIndex((box) => {
        const fits = [...box.box, box.score]
          .slice(0, numbers.length)
          .every((v, k) => Math.abs(v - numbers[k]!) <= PRINTED);
        return fits && (known === undefined ? !this.taken.has(box.id) : known === box.id);
      });
      assert.ok(at >= 0, `${where}: no box for id ${id} (ours ${known}) at ${numbers}; left ${JSON.stringify(left)}`);
      this.ours.set(id, left[at]!.id);
      this.taken.add(left[at]!.id);
      left.splice(at, 1);
    }
  }

  /** Expected rows under our ids; ids that are never reported lose their names. */
  rename(rows: readonly (readonly (number | string)[])[]): string[] {
    return rows.map(([id, ...rest]) => JSON.stringify([this.ours.get(id as number) ?? "", ...rest])).sort();
  }

  /** Our rows in the same form. */
  strip(rows: readonly (readonly (number | string)[])[]): string[] {
    return rows.map(([id, ...rest]) => JSON.stringify([this.taken.has(id as number) ? id! : "", ...rest])).sort();
  }
}

/** What is stored of the living tracks of a variant. */
function internalOf(variant: string, living: readonly TrackState[]): (number | string)[][] {
  if (variant.startsWith("deepsort"))
    return living.map(({ id, missed, status }) => [id, missed, status === "new" ? "t" : "c"]);
  if (variant.startsWith("bytetrack"))
    return living.filter(({ status }) => status !== "reported").map(({ id, status }) => [id, status]);
  return living.map(({ id, missed, hits }) => [id, missed, hits]);
}

function expectedInternal(internal: Internal): (number | string)[][] {
  if (Array.isArray(internal)) return internal;
  return [...internal.lost.map((id) => [id, "lost"]), ...internal.unconfirmed.map((id) => [id, "new"])];
}

const names = videoFiles("trackers").flatMap((file) => /^(.+)\.expected\.json$/.exec(file)?.[1] ?? []);

for (const name of names) {
  test(`trackers follow ${name} id by id and box by box`, () => {
    const { frames } = readVideoJson<Sequence>("trackers", `${name}.json`);
    const expected = readVideoJson<Expected>("trackers", `${name}.expected.json`);
    for (const [variant, wanted] of Object.entries(expected)) {
      assert.ok(variants[variant], `no tracker for ${variant}`);
      const tracker = variants[variant]();
      const renaming = new Renaming();
      const internals: (number | string)[][][] = [];
      for (const [t, { detections, features }] of frames.entries()) {
        const found = tracker.step(
          t / 30,
          detections.map(([x1, y1, x2, y2, score], k) => ({ box: [x1, y1, x2, y2], score, feature: features[k]! })),
        );
        renaming.match(wanted.frames[t]!, found, `${name} ${variant} frame ${t}`);
        internals.push(internalOf(variant, tracker.living()));
      }
      for (const [t, internal] of (wanted.internal ?? []).entries())
        assert.deepEqual(
          renaming.strip(internals[t]!),
          renaming.rename(expectedInternal(internal)),
          `${name} ${variant} frame ${t}: living tracks`,
        );
    }
  });
}

interface Step {
  step: "init" | "predict" | "update" | "missed" | "gating";
  x?: number[];
  mean?: number[];
  P?: number[][];
  measurement?: number[] | null;
  measurements?: number[][];
  projectedMean?: number[];
  S?: number[][];
  squaredDistance?: number[];
  positionOnly?: number[];
  box?: number[];
  velocityYX?: [number, number] | null;
  lastObservation?: number[] | null;
}

/** State and full covariance, of as many velocities as are stored. */
function wantMotion(motion: Motion, { x, mean, P }: Step, where: string): void {
  const state = [...motion.position, ...motion.velocity];
  const wanted = (x ?? mean)!;
  const scaled = (value: number) => 1e-9 * Math.max(1, Math.abs(value));
  for (const [k, value] of wanted.entries()) near(state[k], value, scaled(value), `${where} x[${k}]`);
  for (const [i, row] of P!.entries())
    for (const [j, value] of row.entries()) {
      const [low, high] = [Math.min(i, j), Math.max(i, j)];
      const ours = i === j ? (i < 4 ? motion.pp[i] : motion.vv[i - 4]) : low + 4 === high ? motion.pv[low] : 0;
      near(ours, value, scaled(value), `${where} P[${i}][${j}]`);
    }
}

test("Kalman filters give the stored states and covariances step by step", { skip: needsVideo }, () => {
  const lists = readVideoJson<{ sort: Step[][]; deepsort: Step[][]; ocsort: Step[][] }>("trackers", "kalman.json");
  for (const [list, steps] of lists.deepsort.entries()) {
    let motion = heightMotion(steps[0]!.measurement as unknown as Four);
    for (const [k, step] of steps.entries()) {
      const where = `deepsort ${list} step ${k}`;
      const four = (step.measurement ?? undefined) as Four | undefined;
      if (step.step === "init") motion = heightMotion(four!);
      if (step.step === "predict") predictHeight(motion, 1);
      if (step.step === "update") correctHeight(motion, four!);
      if (step.step !== "gating") wantMotion(motion, step, where);
      else
        for (const [m, measured] of step.measurements!.entries()) {
          const tolerance = (value: number) => 1e-9 * Math.max(1, value);
          const [whole, centre] = [step.squaredDistance![m]!, step.positionOnly![m]!];
          near(distanceByHeight(motion, measured as unknown as Four), whole, tolerance(whole), where);
          near(distanceByHeight(motion, measured as unknown as Four, 2), centre, tolerance(centre), where);
        }
    }
  }
});

test("the filter of SORT gives the stored states, and boxes where they are stored", { skip: needsVideo }, () => {
  const { sort: lists } = readVideoJson<{ sort: Step[][] }>("trackers", "kalman.json");
  for (const [list, steps] of lists.entries()) {
    let motion: Motion | undefined;
    for (const [k, step] of steps.entries()) {
      if (step.step === "init") motion = areaMotion(step.x!.slice(0, 4) as unknown as Four);
      if (step.step === "predict") {
        keepAreaPositive(motion!, 1);
        predict(motion!, 1, AREA_NOISE);
      }
      if (step.step === "update") correct(motion!, areaOf(step.measurement as unknown as Xyxy), AREA_MEASURED);
      wantMotion(motion!, step, `sort ${list} step ${k}`);
      if (step.box) allNear(areaBox(motion!), step.box, 1e-6, `sort ${list} step ${k} box`);
    }
  }
});

test("the filter of OC-SORT goes back over a gap as stored", { skip: needsVideo }, () => {
  const { ocsort: lists } = readVideoJson<{ ocsort: Step[][] }>("trackers", "kalman.json");
  for (const [list, steps] of lists.entries()) {
    const seen = ({ measurement }: Step) => ({ box: measurement as unknown as Xyxy, score: 0.9, index: 0 });
    const track = ocTrack(1, seen(steps[0]!));
    for (const [k, step] of steps.entries()) {
      const where = `ocsort ${list} step ${k}`;
      if (step.step === "predict") advance(track, 1);
      if (step.step === "update") observe(track, seen(step), 3);
      if (step.step === "missed") miss(track);
      wantMotion(track.motion, step, where);
      if (step.velocityYX) allNear(track.direction ?? [], step.velocityYX, 1e-9, `${where} direction`);
      if (step.lastObservation) allNear(track.last?.box ?? [], step.lastObservation, 0, `${where} last observation`);
    }
  }
});
