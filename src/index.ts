/** Groundling: find things in pictures by words. */

export { Random } from "./data/random.ts";
export { AdamW } from "./engine/adamw.ts";
export { localBatchSource } from "./engine/batch-source.ts";
export { parameterGroups } from "./engine/parameter-groups.ts";
export { train } from "./engine/train.ts";
export { InputError, RecipeError, ShapeError, WeightsError } from "./errors.ts";
export * as grad from "./grad/index.ts";
export * as nn from "./nn/index.ts";
export * as onnx from "./onnx/index.ts";
export { readAdapted } from "./tasks/grounding/adapted-file.ts";
export type { AdaptedPrompt } from "./tasks/grounding/adapted-prompt.ts";
export type {
  Box,
  Detection,
  DetectOptions,
  GroundingModel,
  GroundOptions,
  PhraseDetection,
} from "./tasks/grounding/grounding-model.ts";
export { loadModel } from "./tasks/grounding/load-model.ts";
export * as tensor from "./tensor/index.ts";
