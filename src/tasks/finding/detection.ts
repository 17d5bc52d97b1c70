/** Detections in a picture. */

import type { Span } from "../../inputs/words/word-pieces.ts";

/** In pixels of the original picture. */
export interface Box {
  xmin: number;
  ymin: number;
  xmax: number;
  ymax: number;
}

/** A thing that was found. */
export interface Detection {
  /** 0 to 1. */
  score: number;
  /** The user's own words. */
  label: string;
  box: Box;
}

/** A thing that a phrase of the caption names. */
export interface PhraseDetection extends Detection {
  /** Characters of the caption, [start, end). */
  span: Span;
}
