/** ODinW: the mean and the median of COCO's average precision over datasets. */

import { join } from "node:path";
import { readCocoAnnotations, readCocoDetections } from "../../data/readers/coco-files.ts";
import { firstExisting } from "../../data/readers/folders.ts";
import { odinwFolders } from "../../data/readers/odinw-folder.ts";
import { odinw13, odinw35 } from "../../data/readers/odinw-sets.ts";
import { InputError } from "../../errors.ts";
import { cocoSlices } from "../../metrics/coco.ts";
import { evaluateOdinw, type OdinwEvaluation, summarizeOdinw } from "../../metrics/odinw.ts";
import { weightedMetrics } from "../../metrics/weighted-metrics.ts";
import { cocoRequests, planClasses } from "./class-requests.ts";
import type { ProtocolRow, Resampled } from "./protocol-row.ts";

export const odinw: ProtocolRow = {
  detections: "detections",
  plan: async ({ split: _, ...request }, output) => {
    const plans = odinwFolders(request.data).map(({ name, groundTruth, known }) =>
      planClasses({ ...request, as: "coco", data: groundTruth }, join(output, `${name}.jsonl`), {
        ...cocoRequests,
        ...(known && { known }),
      }),
    );
    return Promise.all(plans);
  },
  score: async ({ groundTruth, detections, type }) => {
    const sets = [];
    for (const set of odinwFiles(groundTruth, detections)) {
      sets.push({
        name: set.name,
        groundTruth: readCocoAnnotations(set.groundTruth),
        detections: set.detections ? await readCocoDetections(set.detections) : [],
      });
    }
    const evaluation = evaluateOdinw(sets, { type });
    const rows = evaluation.sets.map(({ name, summary }) => ({ name, metrics: summary }));
    return { metrics: metricsOf(evaluation), rows, resampled: () => resampledSets(evaluation) };
  },
};

/** The metrics over all datasets, over each published list if there are more datasets than the list has, and for each dataset. */
function metricsOf({ mean, median, sets }: OdinwEvaluation): Record<string, number> {
  const metrics: Record<string, number> = {
    AP: mean.AP,
    AP50: mean.AP50,
    "AP median": median.AP,
    "AP50 median": median.AP50,
  };
  for (const list of [odinw13, odinw35]) {
    const among = sets.filter((set) => list.some(({ name }) => name === set.name));
    if (among.length < list.length || among.length === sets.length) continue;
    const listed = summarizeOdinw(among);
    Object.assign(metrics, {
      [`AP of ${list.length}`]: listed.mean.AP,
      [`AP median of ${list.length}`]: listed.median.AP,
    });
  }
  for (const { name, summary } of sets) metrics[`AP ${name}`] = summary.AP;
  return metrics;
}

/** Mean, median and each dataset's AP for resampled images. */
function resampledSets({ sets }: OdinwEvaluation): Resampled {
  const images = sets.map(({ evaluation }) => evaluation.imgIds.length);
  const scores = sets.map(({ evaluation }) => weightedMetrics(evaluation, cocoSlices(evaluation.maxDets)));
  const score = (weights: Float64Array) => {
    let start = 0;
    const summaries = sets.map(({ name }, place) => {
      const end = start + images[place]!;
      const summary = scores[place]!(weights.subarray(start, end));
      start = end;
      return { name, summary: { AP: summary.AP!, AP50: summary.AP50! } };
    });
    const { mean, median } = summarizeOdinw(summaries);
    const each = summaries.map(({ name, summary }) => [`AP ${name}`, summary.AP]);
    const overall = { AP: mean.AP, AP50: mean.AP50, "AP median": median.AP, "AP50 median": median.AP50 };
    return { ...overall, ...Object.fromEntries(each) };
  };
  return { images, score };
}

/** Each dataset with its detections, `SET/detections.json`, `SET.json` or `SET.jsonl`. */
function odinwFiles(truthFolder: string, detectionFolder: string) {
  const found = odinwFolders(truthFolder).map((set) => ({
    ...set,
    detections: firstExisting(detectionFolder, [
      join(set.name, "detections.json"),
      `${set.name}.json`,
      `${set.name}.jsonl`,
    ]),
  }));
  const missing = found.filter(({ detections }) => !detections).map(({ name }) => name);
  if (missing.length === 0) return found;
  throw new InputError(
    `${detectionFolder} has neither SET/detections.json nor SET.json for ${missing.join(", ")}; ` +
      "if a set was evaluated and nothing was found, write a file with []",
  );
}
