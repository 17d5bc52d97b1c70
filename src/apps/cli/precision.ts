/** The precision that a model runs in; docs/precision.md has the accuracy of each. */

import { Option } from "commander";

export const precisions = {
  float32: {},
  float16: { precision: "float16" },
  int8: { weightBits: 8 },
} as const;

export type Precision = keyof typeof precisions;

/** `--precision NAME`, float32 unless given. */
export function precisionOption(): Option {
  return new Option("--precision <name>", "precision of the model").choices(Object.keys(precisions)).default("float32");
}
