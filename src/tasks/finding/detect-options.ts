/** The options of detection, their defaults and their valid ranges. */

import { InputError } from "../../errors.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import type { Span } from "../../inputs/words/word-pieces.ts";

/** Default minimum score, in the library and in the program. */
export const DEFAULT_THRESHOLD = 0.5;
/** Default maximum number of detections per picture. */
export const DEFAULT_TOP_K = 100;
const LONGEST_SIDE = 10_000;

/** Options of `detect`. */
export interface DetectOptions {
  /** Minimum score of detections, 0 to 1 (default 0.5, `DEFAULT_THRESHOLD`; 0 returns all). */
  threshold?: number;
  /** Minimum score of the words alone, 0 to 1, before it is combined with the box's centerness (default 0.05). */
  textThreshold?: number;
  /** Maximum number of detections per picture, 1 or more (default 100). */
  topK?: number;
  /** Overlap (IoU), 0 to 1, above which a box is suppressed by a better box of the same label (default 0.6). */
  nms?: number;
  /** Length of the resized shorter side and maximum of the longer side, 1 to 10,000 pixels (default: the model's own). */
  size?: SizeRule;
}

/** Options of `ground`. */
export interface GroundOptions extends DetectOptions {
  /** Phrases as words or as character ranges of the caption (default: its noun phrases). */
  phrases?: readonly (string | Span)[];
}

/** Throws InputError that names every option out of range. */
export function checkOptions({ threshold, textThreshold, nms, topK, size }: DetectOptions): void {
  const problems: string[] = [];
  for (const [name, value] of Object.entries({ threshold, textThreshold, nms }))
    if (value !== undefined && !(value >= 0 && value <= 1))
      problems.push(`${name} is ${value}; give a number from 0 to 1`);
  if (topK !== undefined && !(topK === Infinity || (Number.isInteger(topK) && topK >= 1)))
    problems.push(`topK is ${topK}; give a whole number of 1 or more`);
  if (size !== undefined) {
    const fits = (side: number) => Number.isInteger(side) && side >= 1 && side <= LONGEST_SIDE;
    if (!fits(size.short) || !fits(size.max) || size.short > size.max)
      problems.push(
        `size is ${JSON.stringify(size)}; give { short, max } in whole pixels from 1 to ${LONGEST_SIDE}, short at most max`,
      );
  }
  if (problems.length) throw new InputError(problems.join("; "));
}
