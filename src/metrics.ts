/** `groundling/metrics`: scores as plain functions of arrays. */

export type {
  CocoAnnotation,
  CocoCategory,
  CocoDetection,
  CocoGroundTruth,
  CocoImage,
  LvisGroundTruth,
} from "./data/readers/coco-records.ts";
export type { FlickrDetections, FlickrPrediction, FlickrTruth } from "./data/readers/flickr-truth.ts";
export type { Outcomes } from "./metrics/accumulate.ts";
export * from "./metrics/bootstrap.ts";
export * from "./metrics/coco.ts";
export * from "./metrics/flickr30k.ts";
export * from "./metrics/lvis.ts";
export type { DetectionColumns, MatchingProblem, ObjectColumns, Pair, Pairs } from "./metrics/matching.ts";
export * from "./metrics/odinw.ts";
export type { Slice, Slices } from "./metrics/summary.ts";
