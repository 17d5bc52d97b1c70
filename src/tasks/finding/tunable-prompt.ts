/** Prompt tuning: learned vectors are added to the text features of a fixed prompt (GLIP `tunable_linear`, `rpn/vldyhead.py`). */

import type { Detector } from "../../models/parts/detector.ts";
import { add, parameter, slice } from "../../tensor/index.ts";

/** Name of the vectors [maxTokens, textWidth], one row per token position. */
export const TUNABLE_PROMPT = "rpn.tunable_linear.weight";

/** A model that adds the vectors named `TUNABLE_PROMPT` to the text features of every caption. */
export function withTunablePrompt(model: Detector): Detector {
  const vectors = parameter(TUNABLE_PROMPT, [model.maxTokens, model.textWidth]);
  const text: Detector["text"] = (ids, mask) =>
    add(model.text(ids, mask), slice(vectors, { axis: 0, end: ids.shape[1]! }));
  return { ...model, text };
}
