/** The detections of a picture, as input for formats and drawings. */

import type { Detection, PhraseDetection } from "../../tasks/finding/detection.ts";

export interface PictureResult {
  /** The picture as named by the user. */
  readonly image: string;
  /** Path without extension, relative to the output folder, for files about this picture. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** The caption, if its phrases were requested. */
  readonly caption?: string;
  /** Best first. */
  readonly detections: readonly (Detection | PhraseDetection)[];
}

/** The results of many pictures for the same request. */
export interface Findings {
  readonly pictures: readonly PictureResult[];
  /** The requested names without duplicates, in the given order. */
  readonly labels: readonly string[];
}
