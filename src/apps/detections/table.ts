/** Detections as a table on a terminal. */

import { visible } from "../../files/visible.ts";
import { areaOfMask } from "./masks.ts";
import type { PictureResult, QuestionResult } from "./picture-result.ts";
import { plainTable } from "./plain-table.ts";

/** What was found in one picture: its caption or answers, if any, and a table with boxes in whole pixels. */
export function tableOf(picture: PictureResult): string {
  const { image, width, height, caption, captionScore, answers, detections } = picture;
  const heading = `${visible(image)} (${width} × ${height})`;
  const found = detections.length === 0 ? "" : `\n${boxTable(picture)}`;
  if (answers) return `${heading}\n${answerTable(answers)}${found && `\n${found}`}`;
  if (captionScore !== undefined) return `${heading}: ${visible(caption ?? "")}${found}`;
  return `${heading}${found || ": nothing found"}`;
}

function answerTable(answers: readonly QuestionResult[]): string {
  const rows = answers.map(({ question, answer, score }) => [question, answer, score.toFixed(3)]);
  return plainTable(["question", "answer", "score"], rows);
}

/** Boxes in whole pixels, and the number of pixels of masks. */
function boxTable({ detections }: PictureResult): string {
  const hasMasks = detections.some(({ mask }) => mask);
  const rows = detections.map(({ label, score, mask, box: { xmin, ymin, xmax, ymax } }) => [
    label,
    score.toFixed(3),
    ...[xmin, ymin, xmax, ymax].map((side) => String(Math.round(side))),
    ...(hasMasks ? [mask ? String(areaOfMask(mask)) : ""] : []),
  ]);
  return plainTable(["label", "score", "xmin", "ymin", "xmax", "ymax", ...(hasMasks ? ["pixels"] : [])], rows);
}
