/** LVIS: average precision over rare, common and frequent classes, and fixed AP. */

import { readCocoDetections, readLvisAnnotations } from "../../data/readers/coco-files.ts";
import { findDataset } from "../../data/readers/find-dataset.ts";
import {
  evaluateLvis,
  evaluateLvisFixed,
  lvisSlices,
  summarizeLvis,
  summarizeLvisCategory,
} from "../../metrics/lvis.ts";
import { type ClassRequests, planClasses } from "./class-requests.ts";
import { classRows, picturesOfTruth, resampledRegions } from "./class-rows.ts";
import type { ProtocolRow } from "./protocol-row.ts";

/** GLIP's prompts: chunks of 40 classes with 300 detections each. */
const lvisRequests: ClassRequests = { atOnce: 40, topK: 300, lastPixel: false };

/** At most 300 detections per picture. */
export const lvis = lvisRow(evaluateLvis);
/** At most 10,000 detections per class, over all pictures. */
export const lvisFixed = lvisRow(evaluateLvisFixed);

function lvisRow(evaluate: typeof evaluateLvis): ProtocolRow {
  return {
    detections: "detections.jsonl",
    plan: async (request, file) => [await planClasses(request, file, lvisRequests)],
    score: async (request) => {
      const { groundTruth: path, type } = request;
      const groundTruth = readLvisAnnotations(findDataset(path, { ...request, as: "coco" }).path);
      const detections = await readCocoDetections(request.detections);
      const evaluation = evaluate(groundTruth, detections, { type });
      return {
        metrics: summarizeLvis(evaluation),
        rows: classRows(evaluation, groundTruth.categories, (place) => summarizeLvisCategory(evaluation, place)),
        regions: { evaluation, groundTruth, detections, type },
        resampled: () => resampledRegions(evaluation, lvisSlices(evaluation)),
        pictures: picturesOfTruth(groundTruth, path, request),
      };
    },
  };
}
