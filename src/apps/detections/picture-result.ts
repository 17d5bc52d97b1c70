/** The detections of a picture, as input for formats and drawings. */

import type { Detection, PhraseDetection } from "../../tasks/finding/detection.ts";
import type { Answer } from "../../tasks/finding/understanding.ts";

export interface PictureResult {
  /** The picture as named by the user. */
  readonly image: string;
  /** Path without extension, relative to the output folder, for files about this picture. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** The caption whose phrases were requested, or the one that the model wrote. */
  readonly caption?: string;
  /** Score of a caption that the model wrote. */
  readonly captionScore?: number;
  /** Answers to questions, in the order of the questions. */
  readonly answers?: readonly QuestionResult[];
  /** Best first; of answers, the phrases of all questions. */
  readonly detections: readonly (Detection | PhraseDetection)[];
}

/** The answer to a question, and the boxes of the question's phrases if they were requested. */
export interface QuestionResult extends Answer {
  readonly question: string;
}

/** The results of many pictures for the same request. */
export interface Findings {
  readonly pictures: readonly PictureResult[];
  /** The requested names without duplicates, in the given order. */
  readonly labels: readonly string[];
}
