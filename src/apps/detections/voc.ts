/** A picture's detections in the Pascal VOC annotation format. */

import { basename } from "node:path";
import { xmlText } from "../../files/xml-text.ts";
import type { PictureResult } from "./picture-result.ts";

/** XML of one picture. Corners are the first and last pixel, counted from 1. Each object also has a `score`, which readers ignore. */
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
