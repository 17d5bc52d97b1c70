/** A picture's detections as Pascal VOC writes annotations. */

import { basename } from "node:path";
import { xmlText } from "../../files/xml-text.ts";
import type { PictureResult } from "./picture-result.ts";

/** XML of one picture; corners are the first and the last pixel, counted from 1. A `score` is added to each object, which readers pass over. */
export function vocAnnotation({ image, width, height, detections }: PictureResult): string {
  const objects = detections.map(({ score, label, box }) => {
    const { xmin, ymin, xmax, ymax } = box;
    const corners = Object.entries({
      xmin: Math.round(xmin) + 1,
      ymin: Math.round(ymin) + 1,
      xmax: Math.max(Math.round(xmax), Math.round(xmin) + 1),
      ymax: Math.max(Math.round(ymax), Math.round(ymin) + 1),
    }).map(([side, value]) => `      <${side}>${value}</${side}>\n`);
    return (
      `  <object>\n    <name>${xmlText(label)}</name>\n    <pose>Unspecified</pose>\n    <truncated>0</truncated>\n` +
      `    <difficult>0</difficult>\n    <score>${score}</score>\n    <bndbox>\n${corners.join("")}    </bndbox>\n  </object>\n`
    );
  });
  return (
    `<annotation>\n  <filename>${xmlText(basename(image))}</filename>\n  <size>\n    <width>${width}</width>\n` +
    `    <height>${height}</height>\n    <depth>3</depth>\n  </size>\n  <segmented>0</segmented>\n${objects.join("")}</annotation>\n`
  );
}
