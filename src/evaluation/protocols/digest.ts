/** A short hash of all requests of a run. */

import { createHash } from "node:crypto";

export function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
