/** The data of a report, taken from an evaluation. */

import type { CocoDetection, CocoGroundTruth } from "../../data/readers/coco-records.ts";
import { recallThresholds } from "../../metrics/accumulate.ts";
import type { CocoEvaluation } from "../../metrics/coco.ts";
import {
  type Confusion,
  confusionOf,
  type Mistake,
  objectCounts,
  regionsByImage,
  type ScoreCurve,
  scoreCurve,
  worstMistakes,
} from "../../metrics/mistakes.ts";
import { type Phrases, phraseMistakes } from "../../metrics/phrase-mistakes.ts";
import { curveOf } from "../../metrics/summary.ts";

/** A class, a type of phrase, or a set, with its metrics; classes also have curves. */
export interface ReportRow {
  name: string;
  /** The number that the bar shows; −1 if there is nothing to average. */
  value: number;
  metrics: Record<string, number>;
  objects?: number;
  /** Precision at each of the 101 recalls at overlap .5 and .75, and the scores for these recalls at .5. */
  curves?: { half: number[]; threeQuarters: number[]; scores: number[] };
}

export interface ReportData {
  title: string;
  /** Facts about the evaluation, as names and values. */
  facts: [name: string, value: string][];
  metrics: Record<string, number>;
  /** Name of the metric that the bars show. */
  barMetric: string;
  rows: ReportRow[];
  scores?: ScoreCurve;
  confusion?: Confusion;
  misses: Mistake[];
  falseAlarms: Mistake[];
}

export interface Evaluated {
  metrics: Record<string, number>;
  rows: readonly { name: string; metrics: Record<string, number> }[];
  regions?: { evaluation: CocoEvaluation; groundTruth: CocoGroundTruth; detections: readonly CocoDetection[] };
  phrases?: Phrases;
}

/** Maximum number of misses and false positives shown. */
const mistakesShown = 24;

/** Makes the data of a report. Only evaluations that compare regions by class have curves and false positives. */
export function reportData(
  { metrics, rows, regions, phrases }: Evaluated,
  { title, facts }: Pick<ReportData, "title" | "facts">,
): ReportData {
  const barMetric = Object.keys(rows[0]?.metrics ?? {})[0] ?? "";
  const reportRows: ReportRow[] = rows.map((row) => ({ ...row, value: row.metrics[barMetric] ?? -1 }));
  const data: ReportData = { title, facts, metrics, barMetric, rows: reportRows, misses: [], falseAlarms: [] };
  if (phrases) {
    const types = rows.map(({ name }) => name);
    return { ...data, ...phraseMistakes(phrases, { types, most: mistakesShown }) };
  }
  if (!regions) return data;
  const { evaluation, groundTruth, detections } = regions;
  const limit = evaluation.limits - 1;
  const objects = objectCounts(evaluation);
  data.rows = reportRows.map((row, category) => {
    const curve = (of: "precision" | "scores", threshold: number) =>
      curveOf(evaluation, of, { threshold, category, limit });
    if (!objects[category]) return { ...row, objects: 0 };
    const curves = { half: curve("precision", 0), threeQuarters: curve("precision", 5), scores: curve("scores", 0) };
    return { ...row, objects: objects[category]!, curves };
  });
  const byImage = regionsByImage(evaluation, groundTruth, detections);
  data.scores = scoreCurve(evaluation);
  data.confusion = confusionOf(byImage, data.scores.bestScore);
  return { ...data, ...worstMistakes(evaluation, byImage, { groundTruth, detections, most: mistakesShown }) };
}

/** Mean precision over the classes that have objects, at each recall. */
export function meanCurve(rows: readonly ReportRow[], of: "half" | "threeQuarters"): number[] {
  const curves = rows.flatMap(({ curves }) => (curves ? [curves[of]] : []));
  return Array.from(
    recallThresholds,
    (_, r) => curves.reduce((sum, curve) => sum + curve[r]!, 0) / (curves.length || 1),
  );
}
