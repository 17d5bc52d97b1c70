/** `groundling/metrics`: scores as plain functions of arrays. */

export type { RunLengths } from "./boxes/masks/run-lengths.ts";
export type { PictureCaption } from "./data/readers/caption-files.ts";
export type {
  CocoAnnotation,
  CocoCategory,
  CocoDetection,
  CocoGroundTruth,
  CocoImage,
  LvisGroundTruth,
} from "./data/readers/coco-records.ts";
export type { FlickrDetections, FlickrPrediction, FlickrTruth } from "./data/readers/flickr-truth.ts";
export type { PhraseCutPrediction, PhraseCutTask } from "./data/readers/phrase-cut-files.ts";
export type { Expression, ExpressionPrediction } from "./data/readers/referring-files.ts";
export type { AnsweredQuestion, GivenAnswer, PredictedAnswer } from "./data/readers/vqa-files.ts";
export type { Outcomes } from "./metrics/accumulate.ts";
export * from "./metrics/bootstrap.ts";
export type { Bleu, CaptionPair } from "./metrics/captions/bleu.ts";
export * from "./metrics/captions/evaluate-captions.ts";
export { captionWords, ptbTokens } from "./metrics/captions/ptb-tokens.ts";
export * from "./metrics/coco.ts";
export * from "./metrics/flickr30k.ts";
export * from "./metrics/lvis.ts";
export {
  compareMasks,
  type MaskPair,
  maskIou,
  type ReferringSegmentation,
  scoreReferringMasks,
} from "./metrics/mask-scores.ts";
export type { DetectionColumns, MatchingProblem, ObjectColumns, Pair, Pairs } from "./metrics/matching.ts";
export * from "./metrics/odinw.ts";
export * from "./metrics/phrase-cut.ts";
export * from "./metrics/referring.ts";
export type { Slice, Slices } from "./metrics/summary.ts";
export * from "./metrics/tracking/clear.ts";
export {
  type BoxWithId,
  type ComparedFrames,
  compareFrames,
  type TrackingSequence,
} from "./metrics/tracking/compared-frames.ts";
export * from "./metrics/tracking/hota.ts";
export * from "./metrics/tracking/identity.ts";
export * from "./metrics/tracking/mot-preparation.ts";
export * from "./metrics/video/dense-captions.ts";
export * from "./metrics/video/entities.ts";
export * from "./metrics/video/grounded-tubes.ts";
export * from "./metrics/video/intervals.ts";
export * from "./metrics/video/moment-retrieval.ts";
export * from "./metrics/video/segmentation.ts";
export * from "./metrics/video/temporal-localisation.ts";
export * from "./metrics/video/tube-ap.ts";
export * from "./metrics/video/youcook2.ts";
export * from "./metrics/vqa.ts";
export type { Overlap, Xyxy } from "./tracking/overlap.ts";
