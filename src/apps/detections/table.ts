/** Detections as a table on a terminal. */

import { visible } from "../../files/visible.ts";
import type { PictureResult } from "./picture-result.ts";
import { plainTable } from "./plain-table.ts";

/** The table of one picture, with boxes in whole pixels. */
export function tableOf({ image, width, height, detections }: PictureResult): string {
  const heading = `${visible(image)} (${width} × ${height})`;
  if (detections.length === 0) return `${heading}: nothing found`;
  const rows = detections.map(({ label, score, box: { xmin, ymin, xmax, ymax } }) => [
    label,
    score.toFixed(3),
    ...[xmin, ymin, xmax, ymax].map((side) => String(Math.round(side))),
  ]);
  return `${heading}\n${plainTable(["label", "score", "xmin", "ymin", "xmax", "ymax"], rows)}`;
}
