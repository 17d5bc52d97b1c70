/** Runs the model of an evaluation in a worker thread. */

import type { Service } from "../files/open-worker.ts";
import { type ModelToAsk, modelHere } from "./answering.ts";
import type { Asks } from "./protocols/protocol-row.ts";

type Asked = Asks[keyof Asks];

export function open(asked: ModelToAsk & { kind: keyof Asks }): Promise<Service<Asked["request"], Asked["answer"]>> {
  return modelHere(asked);
}
