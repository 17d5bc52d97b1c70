/** PhraseCut (Wu et al. 2020): masks and boxes of phrases as ChenyunWu/PhraseCutDataset's evaluator scores them. */

import type { PhraseCutPrediction, PhraseCutTask } from "../data/readers/phrase-cut-files.ts";
import { InputError } from "../errors.ts";
import { compareMasks, MASK_THRESHOLDS, type MaskPair, maskIou, mean, sumOf } from "./mask-scores.ts";

/** The scores of a subset. `pred_…_acc`: share of tasks above each threshold, which is not reached by equality. */
export interface PhraseCutScores {
  readonly mean_box_iou: number;
  readonly pred_box_acc: Readonly<Record<string, number>>;
  readonly mean_mask_iou: number;
  readonly cum_mask_iou: number;
  readonly pred_mask_acc: Readonly<Record<string, number>>;
}

/** The scores of each subset and of each task. */
export interface PhraseCutEvaluation {
  readonly subsets: Readonly<Record<string, PhraseCutScores>>;
  readonly tasks: ReadonlyMap<string, MaskPair & { maskIou: number; boxIou: number }>;
  /** Mean mask overlap with tasks without a prediction counted as 0. */
  readonly meanMaskIoUWithMissingAsZero: number;
}

/** Scores the tasks that have a prediction; others are left out, and so are subsets without tasks. */
export function evaluatePhraseCut(
  tasks: readonly PhraseCutTask[],
  predictions: readonly PhraseCutPrediction[],
): PhraseCutEvaluation {
  const predicted = new Map(predictions.map((prediction) => [prediction.task_id, prediction]));
  const known = new Set(tasks.map(({ task_id }) => task_id));
  const strangers = [...predicted.keys()].filter((id) => !known.has(id));
  if (strangers.length)
    throw new InputError(
      `PhraseCut predictions of unknown tasks: ${strangers.slice(0, 5).join(", ")}; take the ids from the annotations`,
    );
  const scored = new Map<string, MaskPair & { maskIou: number; boxIou: number }>();
  for (const task of tasks) {
    const prediction = predicted.get(task.task_id);
    if (!prediction) continue;
    const pair = compareMasks(task.mask, prediction.mask);
    const boxIou = paintedOverlap(task.boxes, prediction.boxes);
    scored.set(task.task_id, { ...pair, maskIou: maskIou(pair), boxIou });
  }
  const names = [...new Set(tasks.flatMap(({ subsets }) => subsets))];
  const subsets = Object.fromEntries(
    names.flatMap((name) => {
      const members = tasks.filter((task) => task.subsets.includes(name)).flatMap((t) => scored.get(t.task_id) ?? []);
      return members.length > 0 ? [[name, scoresOf(members)] as const] : [];
    }),
  );
  const sum = [...scored.values()].reduce((total, task) => total + task.maskIou, 0);
  return { subsets, tasks: scored, meanMaskIoUWithMissingAsZero: sum / tasks.length };
}

function scoresOf(members: readonly (MaskPair & { maskIou: number; boxIou: number })[]): PhraseCutScores {
  const above = (values: readonly number[]) =>
    Object.fromEntries(MASK_THRESHOLDS.map((least) => [least, mean(values.map((value) => Number(value > least)))]));
  const masks = members.map((member) => member.maskIou);
  const boxes = members.map((member) => member.boxIou);
  return {
    mean_box_iou: mean(boxes),
    pred_box_acc: above(boxes),
    mean_mask_iou: mean(masks),
    cum_mask_iou: sumOf(members, "intersection") / sumOf(members, "union"),
    pred_mask_acc: above(masks),
  };
}

/** Overlap of two unions of boxes in whole pixels; as in the original, each box loses its last row and column. */
function paintedOverlap(target: readonly (readonly number[])[], prediction: readonly (readonly number[])[]): number {
  const corners = [...target, ...prediction].map(([x, y, w, h]) => [
    Math.trunc(x!),
    Math.trunc(y!),
    Math.trunc(x! + w! - 1),
    Math.trunc(y! + h! - 1),
  ]);
  const width = 1 + Math.max(0, ...corners.map((corner) => corner[2]!));
  const height = 1 + Math.max(0, ...corners.map((corner) => corner[3]!));
  const painted = new Uint8Array(width * height);
  corners.forEach(([left, top, right, bottom], box) => {
    const mark = box < target.length ? 1 : 2;
    for (let y = sliceStart(top!, height); y < sliceStart(bottom!, height); y++)
      for (let x = sliceStart(left!, width); x < sliceStart(right!, width); x++) painted[y * width + x]! |= mark;
  });
  let [both, any] = [0, 0];
  for (const mark of painted) {
    if (mark === 3) both++;
    if (mark) any++;
  }
  return both === 0 ? 0 : both / any;
}

/** Where a slice of NumPy starts: a negative index counts from the end. */
function sliceStart(index: number, length: number): number {
  return index < 0 ? Math.max(0, length + index) : Math.min(index, length);
}
