/** `groundling/evaluation`: a model and a dataset, or stored detections, by the rules of a protocol. */

export { detectDataset, type ModelRequest } from "./evaluation/detect-dataset.ts";
export type { Scored } from "./evaluation/protocols/protocol-row.ts";
export { type Protocol, protocols } from "./evaluation/protocols.ts";
export { type EvalRequest, scoreFiles } from "./evaluation/score-files.ts";
