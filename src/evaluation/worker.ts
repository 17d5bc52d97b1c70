/** Runs the model of an evaluation on pictures in a worker thread. */

import type { Service } from "../files/open-worker.ts";
import { detectorHere, type ModelToAsk } from "./detector.ts";
import type { DetectionRequest, Found } from "./protocols/detection-request.ts";

export function open(asked: ModelToAsk): Promise<Service<DetectionRequest, Found[]>> {
  return detectorHere(asked);
}
