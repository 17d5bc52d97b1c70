/** How things are looked for: what a caller may choose, what holds when nothing is chosen, and which numbers are refused. */

import { InputError } from "../../errors.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import type { Span } from "../../inputs/words/word-pieces.ts";

/** Score below which nothing is answered unless told otherwise, in the library and in the program. */
export const DEFAULT_THRESHOLD = 0.5;
/** Most detections of a picture unless told otherwise. */
export const DEFAULT_TOP_K = 100;
const LONGEST_SIDE = 10_000;

export interface DetectOptions {
  /** Only detections with at least this score, 0 to 1 (default 0.5, `DEFAULT_THRESHOLD`; 0 for all). */
  threshold?: number;
  /** Only labels whose words match at least this well, 0 to 1, before the box's centerness counts (default 0.05). */
  textThreshold?: number;
  /** Most detections per picture, 1 or more (default 100). */
  topK?: number;
  /** Overlap, 0 to 1, above which a better box of the same label suppresses another (default 0.6). */
  nms?: number;
  /** Other lengths of the shorter side and most of the longer one than the model's own, 1 to 10,000 pixels. */
  size?: SizeRule;
}

export interface GroundOptions extends DetectOptions {
  /** Words of the caption, or characters of it; its noun phrases when absent. */
  phrases?: readonly (string | Span)[];
}

/** Throws InputError that names every option whose number is out of range. */
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
