/** The JSON file of an exported model: how to prepare pictures and read the model's outputs. */

import { levelsOf, STRIDES } from "../../boxes/anchors.ts";
import type { PicturePreparation } from "../../inputs/pictures/preparation.ts";

/** The note of a detector exported for pictures of `height` × `width` pixels, including padding, with the model's picture preparation. */
export function detectorNote(
  { height, width }: { height: number; width: number },
  { size, channels, mean, deviation }: PicturePreparation,
  { classes }: { classes: readonly { name: string; tokens: readonly number[] }[] },
) {
  return {
    image: {
      input: "image",
      shape: [1, 3, height, width],
      order: channels.toUpperCase(),
      mean,
      std: deviation,
      size: { shortest_edge: size.short, longest_edge: size.max },
      preparation:
        "resize (bilinear) so that the shorter side has shortest_edge pixels and the longer at most longest_edge; value = (0 to 255 - mean) / std by channel; zeros at the right and the bottom up to the shape",
    },
    outputs: { logits: "[1, anchors, tokens]", offsets: "[1, anchors, 4]: dx, dy, dw, dh", centerness: "[1, anchors]" },
    strides: STRIDES,
    anchors: {
      order: "level by level by growing stride; in a level row by row from the top, in a row from the left",
      levels: levelsOf(height, width).map(({ height: rows, width: columns, stride }) => ({ stride, rows, columns })),
      centre: "(column × stride + (stride - 1) / 2, row × stride + (stride - 1) / 2) in pixels of the resized picture",
      side: "8 × stride pixels, with inclusive ends: the corners are at centre ± (side - 1) / 2",
    },
    anchor: { side: "8 × stride", offsets: "centre / 10, logarithm of size / 5" },
    boxes:
      "centre = anchor centre + (dx, dy) / 10 × anchor side; size = exp(min((dw, dh) / 5, ln(1000 / 16))) × anchor side; corners = centre ± (size - 1) / 2, cut to 0 … side of the resized picture - 1; times the ratio of the given picture's size to the resized one's",
    score: "sqrt(mean over the class's tokens of sigmoid(logits) × sigmoid(centerness))",
    selection: {
      threshold: 0.05,
      perLevel: 1000,
      suppression: 0.6,
      limit: 100,
      reading:
        "a class is a candidate of an anchor where the mean of its tokens' sigmoids is above `threshold`; of each level keep the best `perLevel` candidates; of boxes of one class that overlap by more than `suppression` (intersection over union, with inclusive ends) keep the best; then the best `limit` of all",
    },
    classes,
  };
}
