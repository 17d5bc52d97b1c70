/** `groundling/evaluation`: a model and a dataset, or stored detections, by the rules of a protocol. */

export { detectDataset, type ModelRequest } from "./evaluation/detect-dataset.ts";
export { type EvalRequest, type Protocol, protocols, type Scored, scoreFiles } from "./evaluation/score-files.ts";
