/** Runs the model of an evaluation on pictures in a worker thread. */

import type { Service } from "../files/open-worker.ts";
import { detectorHere, type ModelToAsk } from "./detector.ts";
import type { Found, Question } from "./protocols/question.ts";

export function open(asked: ModelToAsk): Promise<Service<Question, Found[]>> {
  return detectorHere(asked);
}
