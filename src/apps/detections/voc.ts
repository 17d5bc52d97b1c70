/** A picture's detections as Pascal VOC writes annotations. */

import { basename } from "node:path";
import type { PictureResult } from "./picture-result.ts";

/** XML of one picture; corners are whole pixels counted from 1. A `score` is added to each object, which readers pass over. */
export function vocAnnotation({ image, width, height, detections }: PictureResult): string {
  const objects = detections.map(({ score, label, box }) => {
    const { xmin, ymin, xmax, ymax } = box;
    const corners = Object.entries({ xmin, ymin, xmax, ymax }).map(
      ([side, value]) => `      <${side}>${Math.round(value) + 1}</${side}>\n`,
    );
    return (
      `  <object>\n    <name>${escaped(label)}</name>\n    <pose>Unspecified</pose>\n    <truncated>0</truncated>\n` +
      `    <difficult>0</difficult>\n    <score>${score}</score>\n    <bndbox>\n${corners.join("")}    </bndbox>\n  </object>\n`
    );
  });
  return (
    `<annotation>\n  <filename>${escaped(basename(image))}</filename>\n  <size>\n    <width>${width}</width>\n` +
    `    <height>${height}</height>\n    <depth>3</depth>\n  </size>\n  <segmented>0</segmented>\n${objects.join("")}</annotation>\n`
  );
}

/** Text for XML; marks that XML cannot hold are replaced. */
function escaped(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\ufffe\uffff]/gu, (mark) => (/\s/.test(mark) ? " " : "\ufffd"))
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}
