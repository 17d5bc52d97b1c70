/** `groundling/evaluation`: a model and a dataset, or stored detections, by the rules of a protocol. */

export { detectDataset, type ModelRequest } from "./evaluation/detect-dataset.ts";
export type { Resampled, Scored } from "./evaluation/protocols/protocol-row.ts";
export type { ClassVectorRule } from "./evaluation/protocols/zero-shot.ts";
export { type Protocol, protocols } from "./evaluation/protocols.ts";
export { type EvalRequest, scoreFiles } from "./evaluation/score-files.ts";
export type { ClassPrompt } from "./inputs/words/prompts.ts";
export type { Phrases } from "./metrics/phrase-mistakes.ts";
export type { RegionType } from "./metrics/regions.ts";
