/** Referring expressions: one box for each, as ashkamath/mdetr `refexp.py` and lichengunc/MAttNet score them. */

import type { Expression, ExpressionPrediction } from "../data/readers/referring-files.ts";
import { InputError } from "../errors.ts";

/** The numbers of best boxes among which a hit counts. */
export const REFERRING_RANKS = [1, 5, 10] as const;

/** The scores of each dataset and of each expression. */
export interface ReferringEvaluation {
  /** Per dataset the share of expressions with a hit among the first 1, 5 and 10 boxes. */
  readonly precision: Readonly<Record<string, readonly number[]>>;
  /** Share of expressions whose first box overlaps by one half, with inclusive pixels. */
  readonly accuracyInclusive: number;
  /** The same by the usual intersection over union. */
  readonly accuracyPlainIoU: number;
  readonly expressions: readonly {
    readonly id: number;
    /** Places of the boxes, best first. */
    readonly order: readonly number[];
    /** Generalised overlaps of these. */
    readonly giou: readonly number[];
    readonly iou: readonly number[];
    /** A hit within the first 1, 5 and 10. */
    readonly hits: readonly boolean[];
    readonly iouInclusive: number;
  }[];
}

const HIT = 0.5;
const { fround, max, min } = Math;

/**
 * A box hits by a generalised overlap (Rezatofighi et al. 2019) of one half, as in MDETR. Boxes are ordered by score, equals by their corners, both descending.
 * Throws InputError that lists expressions without a box.
 */
export function evaluateReferring(
  expressions: readonly Expression[],
  predictions: readonly ExpressionPrediction[],
): ReferringEvaluation {
  const predicted = new Map(predictions.map((prediction) => [prediction.id, prediction]));
  const missing = expressions.filter(({ id }) => !predicted.get(id)?.boxes.length).map(({ id }) => id);
  if (missing.length || expressions.length === 0)
    throw new InputError(
      `${missing.length} of ${expressions.length} expressions have no box: ${missing.slice(0, 5).join(", ")}; predict at least one for each`,
    );
  const rows = expressions.map((expression) => ({
    dataset: expression.dataset,
    ...scoreOf(expression, predicted.get(expression.id)!),
  }));
  const share = (hits: readonly boolean[]) => hits.filter(Boolean).length / hits.length;
  const datasets = [...new Set(rows.map(({ dataset }) => dataset))];
  return {
    precision: Object.fromEntries(
      datasets.map((name) => {
        const own = rows.filter(({ dataset }) => dataset === name);
        return [name, REFERRING_RANKS.map((_, rank) => share(own.map(({ hits }) => hits[rank]!)))];
      }),
    ),
    accuracyInclusive: share(rows.map(({ iouInclusive }) => iouInclusive >= HIT)),
    accuracyPlainIoU: share(rows.map(({ iou }) => iou[0]! >= HIT)),
    expressions: rows.map(({ dataset, ...row }) => row),
  };
}

function scoreOf({ id, box }: Expression, { scores, boxes }: ExpressionPrediction) {
  const [x, y, w, h] = box as readonly [number, number, number, number];
  const target = [x, y, x + w, y + h];
  const compare = (a: number, b: number) => {
    const keys = (at: number) => [scores[at]!, ...boxes[at]!];
    const [one, other] = [keys(a), keys(b)];
    const place = one.findIndex((value, i) => value !== other[i]);
    return place < 0 ? 0 : other[place]! - one[place]!;
  };
  const order = [...boxes.keys()].sort(compare);
  const overlaps = order.map((at) => overlapsOf(boxes[at]!, target));
  const giou = overlaps.map((overlap) => overlap.generalised);
  const hits = REFERRING_RANKS.map((k) => giou.slice(0, k).some((overlap) => overlap >= HIT));
  const iou = overlaps.map((overlap) => overlap.plain);
  return { id, order, giou, iou, hits, iouInclusive: inclusiveOverlap(boxes[order[0]!]!, box) };
}

/** Plain and generalised overlap of two xyxy boxes, in float32 steps. */
function overlapsOf(a: readonly number[], b: readonly number[]): { plain: number; generalised: number } {
  const area = ([x1, y1, x2, y2]: readonly number[]) =>
    fround(fround(fround(x2!) - fround(x1!)) * fround(fround(y2!) - fround(y1!)));
  const side = (low: number, high: number) => max(fround(fround(high) - fround(low)), 0);
  const both = fround(side(max(a[0]!, b[0]!), min(a[2]!, b[2]!)) * side(max(a[1]!, b[1]!), min(a[3]!, b[3]!)));
  const union = fround(fround(area(a) + area(b)) - both);
  const hull = fround(side(min(a[0]!, b[0]!), max(a[2]!, b[2]!)) * side(min(a[1]!, b[1]!), max(a[3]!, b[3]!)));
  const plain = fround(both / union);
  return { plain, generalised: fround(plain - fround(fround(hull - union) / hull)) };
}

/** With inclusive pixels: the prediction xyxy is x2 − x1 + 1 wide, the target xywh ends at x + w − 1. */
function inclusiveOverlap([x1, y1, x2, y2]: readonly number[], [x, y, w, h]: readonly number[]): number {
  const left = max(x1!, x!);
  const top = max(y1!, y!);
  const right = min(x2!, x! + w! - 1);
  const bottom = min(y2!, y! + h! - 1);
  const both = right > left && bottom > top ? (right - left + 1) * (bottom - top + 1) : 0;
  return both / ((x2! - x1! + 1) * (y2! - y1! + 1) + w! * h! - both);
}
