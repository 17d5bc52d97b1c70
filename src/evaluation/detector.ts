/** Runs a detector on pictures for an evaluation. */

import type { GroundingModel } from "../tasks/finding/grounding-model.ts";
import { loadModel } from "../tasks/finding/load-model.ts";
import type { Answering, ModelToAsk } from "./answering.ts";
import type { DetectionRequest, Found } from "./protocols/detection-request.ts";

/**
 * A model in this thread. Its operations use one thread, because the number of threads changes the last digits, and an evaluation
 * must not depend on the number of cores.
 */
export async function detectorHere({ model, adapted, device }: ModelToAsk): Promise<Answering<"detector">> {
  const loaded = await loadModel(model, {
    threads: 1,
    ...(adapted === undefined ? {} : { adapted }),
    ...(device === undefined ? {} : { device }),
  });
  return {
    answer: (request) => answerOf(loaded, request),
    dispose: () => loaded.dispose(),
  };
}

/** The detections of a model in a picture. */
export async function answerOf(
  model: GroundingModel,
  { picture, options, ...asked }: DetectionRequest,
): Promise<Found[]> {
  // Low scores also count in average precision.
  const how = { threshold: 0, ...options };
  if ("adapted" in asked) return model.detect(picture, undefined, how);
  const found: Found[] = [];
  if ("chunks" in asked) {
    for (const classes of asked.chunks) found.push(...(await model.detect(picture, classes, how)));
    return found;
  }
  for (const [caption, { text, spans }] of asked.captions.entries()) {
    if (spans.length === 0) continue;
    for (const { span, ...detection } of await model.ground(picture, text, { ...how, phrases: spans })) {
      const phrase = spans.findIndex(([start, end]) => start === span[0] && end === span[1]);
      found.push({ ...detection, caption, phrase });
    }
  }
  return found;
}
