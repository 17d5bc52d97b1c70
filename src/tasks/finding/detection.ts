/** Detections in a picture. */

import type { Span } from "../../inputs/words/word-pieces.ts";

/** In pixels of the original picture. */
export interface Box {
  xmin: number;
  ymin: number;
  xmax: number;
  ymax: number;
}

/** The pixels of a thing, on the whole picture: COCO's compressed run lengths. */
export interface Mask {
  /** [height, width] of the original picture. */
  size: [number, number];
  counts: string;
}

/** A thing that was found. */
export interface Detection {
  /** 0 to 1; a RegionCLIP's that is fused with raw logits may be higher. */
  score: number;
  /** The user's own words. */
  label: string;
  box: Box;
  /** Of models that have masks. */
  mask?: Mask;
}

/** A thing that a phrase of the caption names. */
export interface PhraseDetection extends Detection {
  /** Characters of the caption, [start, end). */
  span: Span;
}
