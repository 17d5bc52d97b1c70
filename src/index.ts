/** Groundling: find things in pictures by words. */

export { Random } from "./data/random.ts";
export { InputError, RecipeError, ShapeError, WeightsError } from "./errors.ts";
export * as grad from "./grad/index.ts";
export { AdamW } from "./learning/adamw.ts";
export { localBatchSource } from "./learning/batch-source.ts";
export { DivergenceError } from "./learning/divergence.ts";
export { parameterGroups } from "./learning/parameter-groups.ts";
export { cosine, multiStep, type Schedule, withWarmup } from "./learning/schedules.ts";
export { train } from "./learning/train.ts";
export * as nn from "./nn/index.ts";
export * as onnx from "./onnx/index.ts";
export { SessionPool } from "./onnx/pool.ts";
export type { ClassOptions, ClassScore, EmbedOptions, EmbedTextOptions, Encoder } from "./tasks/classifying/encoder.ts";
export { loadEncoder } from "./tasks/classifying/load-encoder.ts";
export type { UnitVector } from "./tasks/classifying/unit-vectors.ts";
export { readAdapted } from "./tasks/finding/adapted-file.ts";
export type { AdaptedPrompt } from "./tasks/finding/adapted-prompt.ts";
export { DEFAULT_THRESHOLD, type DetectOptions, type GroundOptions } from "./tasks/finding/detect-options.ts";
export type { Box, Detection, PhraseDetection } from "./tasks/finding/detection.ts";
export type { GroundingModel } from "./tasks/finding/grounding-model.ts";
export { type LoadOptions, loadModel } from "./tasks/finding/load-model.ts";
export * as tensor from "./tensor/index.ts";
