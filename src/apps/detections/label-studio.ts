/** Tasks with predictions for Label Studio: boxes in percent of the picture, and masks as brush strokes. */

import type { Box, Detection } from "../../tasks/finding/detection.ts";
import { brushRuns } from "./brush-runs.ts";
import { runsOfMask } from "./masks.ts";
import type { PictureResult } from "./picture-result.ts";

/** The task of one picture. */
export function labelStudioTask({ image, width, height, detections }: PictureResult) {
  const size = { original_width: width, original_height: height, image_rotation: 0 };
  const result = detections.flatMap((detection, index) => [
    { id: `box-${index + 1}`, type: "rectanglelabels", from_name: "label", ...rectangle(detection, size) },
    ...strokes(detection, { id: `mask-${index + 1}`, size }),
  ]);
  return { data: { image }, predictions: [{ model_version: "groundling", score: detections[0]?.score ?? 0, result }] };
}

type Size = { original_width: number; original_height: number; image_rotation: number };

function rectangle({ score, label, box }: Detection, size: Size) {
  const value = { ...percent(box, size), rotation: 0, rectanglelabels: [label] };
  return { to_name: "image", ...size, score, value };
}

function percent({ xmin, ymin, xmax, ymax }: Box, { original_width, original_height }: Size) {
  return {
    x: (100 * xmin) / original_width,
    y: (100 * ymin) / original_height,
    width: (100 * (xmax - xmin)) / original_width,
    height: (100 * (ymax - ymin)) / original_height,
  };
}

function strokes({ score, label, mask }: Detection, { id, size }: { id: string; size: Size }) {
  if (!mask) return [];
  const value = { format: "rle", rle: brushRuns(runsOfMask(mask)), brushlabels: [label] };
  return [{ id, type: "brushlabels", from_name: "brush", to_name: "image", ...size, score, value }];
}
