/** Exports a model folder's companion to ONNX, and describes how to merge its detections. */

import { SSD_SIDE, ssdAnchors, ssdMirror } from "../../models/coco-ssd/coco-ssd.ts";
import { exportOnnx } from "../../onnx/export.ts";
import { COMPANION_CENTERNESS, type StoredCompanion } from "../../tasks/finding/companion.ts";
import { add, constant, gather, input, multiply, type Tensor } from "../../tensor/index.ts";

/**
 * Writes a COCO-SSD with input `square` [1,3,320,320] and, for its a anchors, the outputs `logits` [a, classes] and `offsets` [4,a]: the
 * mean over the picture and its mirror image, as in `Companion`.
 */
export async function exportCompanion({ model, weights }: StoredCompanion, path: string): Promise<void> {
  const square = input("square", [1, 3, SSD_SIDE, SSD_SIDE]);
  const turned = gather(square, indices(Array.from({ length: SSD_SIDE }, (_, x) => SSD_SIDE - 1 - x)), 3);
  const mirror = indices([...ssdMirror()]);
  const [seen, other] = [model.answer(square), model.answer(turned)];
  // In the mirror image, the centre of a box is on the other side of its anchor.
  const signs = constant(Float32Array.of(-1, 1, 1, 1), [4, 1]);
  const outputs = {
    logits: mean(seen.logits, gather(other.logits, mirror, 0)),
    offsets: mean(seen.offsets, multiply(gather(other.offsets, mirror, 1), signs)),
  };
  await exportOnnx(outputs, path, { weights: await weights() });
}

/** The companion's part of the note; `classes` are the requested names with their columns in the outputs. */
export function companionNote(file: string, classes: readonly { name: string; column: number }[]) {
  return {
    file,
    image: {
      input: "square",
      shape: [1, 3, SSD_SIDE, SSD_SIDE],
      preparation: `the whole picture resized to ${SSD_SIDE} × ${SSD_SIDE} (bilinear, without keeping its aspect ratio), then order, mean and std as above`,
    },
    outputs: { logits: "[anchors, classes]", offsets: "[4, anchors]: dx, dy, dw, dh" },
    anchors: {
      corners: [...ssdAnchors(1, 1)].map((corner, k) => Number((k % 4 < 2 ? corner : corner + 1).toFixed(7))),
      reading:
        "four numbers per anchor: left, top, right, bottom as shares of the width and height of the resized picture; less 1 pixel at the right and the bottom, because ends are inclusive",
    },
    centerness: COMPANION_CENTERNESS,
    score: `sqrt(sigmoid(logits[anchor, column]) × sigmoid(${COMPANION_CENTERNESS}))`,
    classes,
    merge:
      "Take boxes of both models in pixels of the resized picture, each selected as `selection` says. Join them, of boxes of the same name that overlap by more than `suppression` keep the best, and the best `limit` of all.",
  };
}

function mean(a: Tensor, b: Tensor): Tensor {
  return multiply(add(a, b), constant(Float32Array.of(0.5), []));
}

function indices(numbers: readonly number[]): Tensor {
  return constant(BigInt64Array.from(numbers, BigInt), [numbers.length]);
}
