/** Groundling: find things in pictures by words. */

export { Random, type RandomState } from "./data/random.ts";
export { InputError, RecipeError, ShapeError, WeightsError } from "./errors.ts";
export * as grad from "./grad/index.ts";
export type { PictureSource, RawPicture } from "./inputs/pictures/picture-source.ts";
export type { PicturePreparation, SizeRule } from "./inputs/pictures/preparation.ts";
export type { PreparedImage } from "./inputs/pictures/prepare-image.ts";
export type { Size } from "./inputs/pictures/resize.ts";
export type { LongText } from "./inputs/words/byte-pairs.ts";
export type { ClassPrompt } from "./inputs/words/prompts.ts";
export type { Span } from "./inputs/words/word-pieces.ts";
export { AdamW } from "./learning/adamw.ts";
export { localBatchSource } from "./learning/batch-source.ts";
export { DivergenceError } from "./learning/divergence.ts";
export type { ArrayTask } from "./learning/kernels.ts";
export { parameterGroups } from "./learning/parameter-groups.ts";
export { cosine, multiStep, type Schedule, withWarmup } from "./learning/schedules.ts";
export { train } from "./learning/train.ts";
export * as nn from "./nn/index.ts";
export * as onnx from "./onnx/index.ts";
export { type PoolOptions, SessionPool } from "./onnx/pool.ts";
export type { ClassOptions, ClassScore, EmbedOptions, EmbedTextOptions, Encoder } from "./tasks/classifying/encoder.ts";
export type { LoadEncoderOptions } from "./tasks/classifying/load-encoder.ts";
export { loadEncoder } from "./tasks/classifying/load-encoder.ts";
export type { UnitVector } from "./tasks/classifying/unit-vectors.ts";
export type { Adapted } from "./tasks/finding/adapted-file.ts";
export { readAdapted } from "./tasks/finding/adapted-file.ts";
export type { AdaptedPrompt } from "./tasks/finding/adapted-prompt.ts";
export type { Adapters } from "./tasks/finding/adapters.ts";
export type { Base } from "./tasks/finding/base.ts";
export { DEFAULT_THRESHOLD, type DetectOptions, type GroundOptions } from "./tasks/finding/detect-options.ts";
export type { Box, Detection, Mask, PhraseDetection } from "./tasks/finding/detection.ts";
export type { GroundingModel } from "./tasks/finding/grounding-model.ts";
export { type LoadOptions, loadModel } from "./tasks/finding/load-model.ts";
export type { Preparations, PreparedPicture } from "./tasks/finding/prepared-picture.ts";
export type { RequestedClasses as Asked } from "./tasks/finding/requested-prompt.ts";
export type { ScoreMap } from "./tasks/finding/score-maps.ts";
export type { FrameOfVideo, TrackedDetection, TrackedFrame, TrackOptions } from "./tasks/finding/track-frames.ts";
export type {
  Answer,
  DescribeOptions,
  Description,
  Ground,
  SegmentedDetection,
} from "./tasks/finding/understanding.ts";
export type { Example, Likeness } from "./tasks/regions/likeness.ts";
export { type LoadRegionOptions, loadRegionModel } from "./tasks/regions/load-region-model.ts";
export type { LabelledVectors, Region, RegionModel } from "./tasks/regions/region-model.ts";
export type { Fusion, RegionDetectOptions, RegionSourceOptions } from "./tasks/regions/region-options.ts";
export type { RegionSessionOptions } from "./tasks/regions/region-sessions.ts";
export type { RegionClipFiles } from "./tasks/regions/stored-region-clip.ts";
export {
  type FolderPictures,
  type IndexedFolder,
  type IndexOptions,
  indexFolder,
  picturesUnder,
} from "./tasks/searching/index-folder.ts";
export {
  type FoundPicture,
  type IndexedFile,
  type IndexModel,
  openIndex,
  openIndexOf,
  type PictureIndex,
} from "./tasks/searching/picture-index.ts";
export { type TaughtPicture, type TeachOptions, teach } from "./tasks/teaching/teach.ts";
export * as tensor from "./tensor/index.ts";
export type { TrackerName } from "./tracking/tracker-names.ts";
export type { FetchingOptions } from "./weights/zoo.ts";
