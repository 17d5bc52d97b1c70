/** Open-vocabulary COCO: average precision over base classes (in training) and novel classes (not in training). */

import { readCocoDetections } from "../../data/readers/coco-files.ts";
import type { CocoDetection, CocoGroundTruth } from "../../data/readers/coco-records.ts";
import { readGroundTruth } from "../../data/readers/ground-truth.ts";
import { readJson } from "../../data/readers/json.ts";
import { cocoSlices } from "../../metrics/coco.ts";
import {
  detectionsOfRegions,
  openVocabularyOf,
  openVocabularySlices,
  type ScoredRegions,
} from "../../metrics/open-vocabulary.ts";
import { summarize } from "../../metrics/summary.ts";
import { cocoRequests, planClasses } from "./class-requests.ts";
import { picturesOfTruth, resampledRegions } from "./class-rows.ts";
import { scoreCoco } from "./coco.ts";
import type { ProtocolRow } from "./protocol-row.ts";

const openVocabularyRequests = {
  ...cocoRequests,
  partOf: (truth: CocoGroundTruth) => openVocabularyOf(truth, []).groundTruth,
};

export const openVocabulary: ProtocolRow = {
  detections: "detections.jsonl",
  plan: async (request, file) => [await planClasses(request, file, openVocabularyRequests)],
  score: async (request) => {
    const { groundTruth: path, type } = request;
    const { truth } = await readGroundTruth(path, request);
    const split = openVocabularyOf(truth, await readAnswers(request.detections, truth));
    const scored = scoreCoco(split.groundTruth, split.detections, { type });
    const { evaluation } = scored.regions;
    const slices = openVocabularySlices(evaluation, split.groundTruth.categories);
    return {
      ...scored,
      metrics: { ...summarize(evaluation, slices), ...scored.metrics },
      resampled: () => resampledRegions(evaluation, { ...slices, ...cocoSlices(evaluation.maxDets) }),
      pictures: picturesOfTruth(split.groundTruth, path, request),
    };
  },
};

/** Detections, or scores of given boxes (records with `boxes` and `scores`), which are converted to detections. */
async function readAnswers(file: string, groundTruth: CocoGroundTruth): Promise<CocoDetection[]> {
  if (/\.json$/i.test(file)) {
    const list = readJson(file);
    if (Array.isArray(list) && list.length > 0 && list.every(isRegions)) {
      return detectionsOfRegions(openVocabularyOf(groundTruth, []).groundTruth, list);
    }
  }
  return readCocoDetections(file);
}

function isRegions(record: unknown): record is ScoredRegions {
  return (
    typeof record === "object" && record !== null && "boxes" in record && "scores" in record && "image_id" in record
  );
}
