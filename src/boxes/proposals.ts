/** The proposals of a region proposal network. Source: detectron2 `modeling/proposal_generator/proposal_utils.py`. */

import { concatenate } from "./atss.ts";
import { applyDeltas, clipBoxes, hasArea, PROPOSAL_DELTAS } from "./box-deltas.ts";
import { descending, suppress } from "./suppression.ts";

/** The outputs for the anchors of one map. */
export interface ProposalLevel {
  /** xyxy [a,4]. */
  readonly anchors: Float32Array;
  /** [a]. */
  readonly logits: Float32Array;
  /** [a,4]. */
  readonly deltas: Float32Array;
}

export interface ProposalOptions {
  /** Maximum number of boxes per level before suppression; the best are used. */
  readonly before: number;
  /** Overlap above which a box is suppressed by a better one of its level. */
  readonly overlap: number;
  /** Maximum number of proposals. */
  readonly after: number;
  /** Size of the picture in pixels. */
  readonly height: number;
  readonly width: number;
}

export interface Proposals {
  /** xyxy [r,4], best first, in pixels of the picture. */
  readonly boxes: Float32Array;
  /** [r]: logits, not probabilities. */
  readonly logits: Float32Array;
}

/** The best boxes of all levels. Levels do not suppress each other; equal scores keep the order of levels and positions. */
export function proposals(levels: readonly ProposalLevel[], options: ProposalOptions): Proposals {
  const kept = levels.map((level) => ofLevel(level, options));
  const boxes = concatenate(kept.map((level) => level.boxes));
  const logits = concatenate(kept.map((level) => level.logits));
  return rows({ boxes, logits }, descending(logits).subarray(0, options.after));
}

function ofLevel({ anchors, logits, deltas }: ProposalLevel, options: ProposalOptions): Proposals {
  const best = descending(logits).subarray(0, options.before);
  const from = take(anchors, best, 4);
  const clipped = clipBoxes(applyDeltas(take(deltas, best, 4), from, PROPOSAL_DELTAS), options);
  const some = Array.from(best.keys()).filter((i) => hasArea(clipped, i));
  const sound = rows({ boxes: clipped, logits: take(logits, best, 1) }, Int32Array.from(some));
  return rows(sound, suppress(sound.boxes, sound.logits, options.overlap));
}

function rows({ boxes, logits }: Proposals, indices: Int32Array): Proposals {
  return { boxes: take(boxes, indices, 4), logits: take(logits, indices, 1) };
}

function take(numbers: Float32Array, indices: Int32Array, width: number): Float32Array {
  const taken = new Float32Array(indices.length * width);
  indices.forEach((row, i) => {
    taken.set(numbers.subarray(row * width, (row + 1) * width), i * width);
  });
  return taken;
}
