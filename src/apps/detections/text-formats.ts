/** Answers and captions in the formats of other programs. */

import { csvLine } from "./csv.ts";
import { entryOf, type Format, json } from "./formats.ts";
import type { PictureResult } from "./picture-result.ts";

/** The formats of `groundling answer`: with each answer the boxes of its question's phrases, if they were requested. */
export const answerFormats: Readonly<Record<string, Format>> = {
  json: { kind: "document", file: "answers.json", text: ({ pictures }) => json(pictures.map(answersOf)) },
  jsonl: { kind: "lines", file: "answers.jsonl", head: "", lines: (one) => `${JSON.stringify(answersOf(one))}\n` },
  csv: {
    kind: "lines",
    file: "answers.csv",
    head: csvLine(["image", "question", "answer", "score"]),
    lines: ({ image, answers = [] }) =>
      answers.map(({ question, answer, score }) => csvLine([image, question, answer, score])).join(""),
  },
};

/** The formats of `groundling describe`. */
export const captionFormats: Readonly<Record<string, Format>> = {
  json: { kind: "document", file: "captions.json", text: ({ pictures }) => json(pictures.map(captionOf)) },
  jsonl: { kind: "lines", file: "captions.jsonl", head: "", lines: (one) => `${JSON.stringify(captionOf(one))}\n` },
  csv: {
    kind: "lines",
    file: "captions.csv",
    head: csvLine(["image", "caption", "score"]),
    lines: ({ image, caption = "", captionScore = 0 }) => csvLine([image, caption, captionScore]),
  },
};

function answersOf({ image, width, height, answers = [] }: PictureResult) {
  return {
    ...{ image, width, height },
    answers: answers.map(({ phrases, ...answer }) => ({
      ...answer,
      ...(phrases ? { phrases: phrases.map(entryOf) } : {}),
    })),
  };
}

function captionOf({ image, width, height, caption, captionScore, detections }: PictureResult) {
  return { image, width, height, caption, score: captionScore, phrases: detections.map(entryOf) };
}
