/** COCO: average precision over all classes. */

import { readCocoDetections } from "../../data/readers/coco-files.ts";
import type { CocoDetection, CocoGroundTruth } from "../../data/readers/coco-records.ts";
import { readGroundTruth } from "../../data/readers/ground-truth.ts";
import { type CocoOptions, cocoSlices, evaluateCoco, summarizeCoco } from "../../metrics/coco.ts";
import { planClasses } from "./class-requests.ts";
import { classRows, picturesOfTruth, resampledRegions } from "./class-rows.ts";
import type { ProtocolRow, Scored } from "./protocol-row.ts";

export const coco: ProtocolRow = {
  detections: "detections.jsonl",
  plan: async (request, file) => [await planClasses(request, file)],
  score: async (request) => {
    const { groundTruth: path, detections, type } = request;
    const { truth } = await readGroundTruth(path, request);
    const scored = scoreCoco(truth, await readCocoDetections(detections), { type });
    return { ...scored, pictures: picturesOfTruth(truth, path, request) };
  },
};

export function scoreCoco(
  groundTruth: CocoGroundTruth,
  detections: readonly CocoDetection[],
  options: CocoOptions,
): Scored & Required<Pick<Scored, "regions">> {
  const evaluation = evaluateCoco(groundTruth, detections, options);
  return {
    metrics: summarizeCoco(evaluation),
    rows: classRows(evaluation, groundTruth.categories, (place) => summarizeCoco(evaluation, [place])),
    regions: { evaluation, groundTruth, detections, type: options.type ?? "bbox" },
    resampled: () => resampledRegions(evaluation, cocoSlices(evaluation.maxDets)),
  };
}
