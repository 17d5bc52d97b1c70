/** The request to a detector for one picture, and its detections. */

import type { ClassPrompt } from "../../inputs/words/prompts.ts";
import type { DetectOptions } from "../../tasks/finding/detect-options.ts";
import type { Detection } from "../../tasks/finding/detection.ts";

/** The request for one picture. */
export type DetectionRequest = { picture: string; options: DetectOptions } & (
  | { /** Use the prompt that the model was loaded with. */ adapted: true }
  | {
      /** Each list of classes is a prompt of its own with up to `topK` detections. */ chunks: (
        | string
        | ClassPrompt
      )[][];
    }
  | { captions: { text: string; spans: [number, number][] }[] }
);

/** A detection; for captions, with the index of the caption and of its phrase. */
export interface Found extends Detection {
  caption?: number;
  phrase?: number;
}
