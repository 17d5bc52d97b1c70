/** Runs parts of a model that are not the same for all families. */

import type { Feeds } from "../../onnx/index.ts";
import type { Numbers, Tensor } from "../../tensor/index.ts";

export interface PartRunner {
  /** Results by the names of the outputs that `build` makes, once for each key. */
  run(key: string, build: () => Record<string, Tensor>, feeds: Feeds): Promise<Record<string, Numbers>>;
}
