/**
 * Objects of YouCook2-BB: a box a second for each object that a sentence names. Source: MichiganCOG/Video-Grounding-from-Text.
 */

import { plainOverlap, type Xyxy } from "../../tracking/overlap.ts";
import { accuracyOverClasses, type Hits } from "./entities.ts";

/** An object of a segment, second by second; `undefined` where it is marked as outside or occluded. */
export interface SecondsOfObject {
  label: string;
  boxes: readonly (Xyxy | undefined)[];
}

/**
 * Mean over classes of the share of boxes that are found (overlap above 0.5). Objects stand at the same positions in the truth and in
 * the prediction of a segment; a missing box is a miss. `classOf` brings singular and plural together.
 */
export function youCook2Accuracy(
  segments: readonly { truth: readonly SecondsOfObject[]; prediction: readonly SecondsOfObject[] }[],
  classOf: (label: string) => string,
): number {
  const hits: Hits = new Map();
  for (const { truth, prediction } of segments)
    for (const [object, { label, boxes }] of truth.entries()) {
      const name = classOf(label);
      const own = hits.get(name) ?? [];
      hits.set(name, own);
      for (const [second, box] of boxes.entries()) {
        const found = prediction[object]?.boxes[second];
        if (box) own.push(found !== undefined && plainOverlap(box, found) > 0.5);
      }
    }
  for (const [name, own] of hits) if (!own.length) hits.delete(name);
  return accuracyOverClasses(hits);
}
