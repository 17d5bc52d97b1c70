/** `groundling/web`, and `groundling` itself in a page: finds things in pictures with the runtime that the page sets. */

export { InputError, RecipeError, ShapeError, WeightsError } from "./errors.ts";
export * as grad from "./grad/index.ts";
export type { PagePicture } from "./inputs/pictures/page-picture.ts";
export * as nn from "./nn/index.ts";
export * as onnx from "./onnx/index.ts";
export { useRuntime } from "./onnx/runtimes.ts";
export type { AdaptedPrompt } from "./tasks/finding/adapted-prompt.ts";
export { adaptedPromptBytes, readAdaptedPrompt } from "./tasks/finding/adapted-prompt-format.ts";
export { DEFAULT_THRESHOLD, type DetectOptions, type GroundOptions } from "./tasks/finding/detect-options.ts";
export type { Box, Detection, Mask, PhraseDetection } from "./tasks/finding/detection.ts";
export type { GroundingModel } from "./tasks/finding/grounding-model.ts";
export { loadPageModel as loadModel, type PageLoadOptions } from "./tasks/finding/load-page-model.ts";
export type { ScoreMap } from "./tasks/finding/score-maps.ts";
export { type TaughtPicture, type TeachOptions, teach } from "./tasks/teaching/teach.ts";
export * as tensor from "./tensor/index.ts";
