/** Scores files of detections by a protocol; the metrics have the protocol's own names. */

import type { Scored, ScoreRequest } from "./protocols/protocol-row.ts";
import { type Protocol, protocolRows } from "./protocols.ts";

/** Which files are scored, and by which protocol. */
export interface EvalRequest extends ScoreRequest {
  protocol: Protocol;
}

/** Reads the files of a request and scores them. Throws InputError that names the file that does not fit the protocol. */
export async function scoreFiles({ protocol, ...request }: EvalRequest): Promise<Scored> {
  const { score } = await protocolRows[protocol]();
  return score(request);
}
