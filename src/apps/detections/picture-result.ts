/** What was found in a picture, as the formats and the drawing take it. */

import type { Detection, PhraseDetection } from "../../tasks/finding/detection.ts";

export interface PictureResult {
  /** The picture as the user named it. */
  readonly image: string;
  /** Path without ending for files about this picture, under the folder of the answers. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** What was said about the picture, where phrases of it were looked for. */
  readonly caption?: string;
  /** Best first. */
  readonly detections: readonly (Detection | PhraseDetection)[];
}

/** Answers to one question about many pictures. */
export interface Findings {
  readonly pictures: readonly PictureResult[];
  /** What was asked for, each once, in the order given. */
  readonly labels: readonly string[];
}
