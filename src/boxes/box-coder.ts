/** Boxes relative to anchors, as the box head predicts them. Source: GLIP `modeling/rpn/vldyhead.py`, BoxCoder. */

const { exp, fround, log, min } = Math;

/** Factors of the centre's offsets and of the logarithms of the sizes. */
const CENTRE = 10;
const SIZE = 5;
/** The maximum logarithm of a size; there is no minimum. */
const LARGEST = fround(log(1000 / 16));

/** Offsets [n, 4] (dx, dy, dw, dh) from each anchor to its box; both xyxy [n, 4] with inclusive ends. */
export function encodeBoxes(boxes: Float32Array, anchors: Float32Array): Float32Array {
  const offsets = new Float32Array(boxes.length);
  for (let at = 0; at < boxes.length; at += 4) {
    for (let axis = at; axis < at + 2; axis++) {
      const anchorSize = inclusiveSize(anchors, axis);
      const shift = fround(centre(boxes, axis) - centre(anchors, axis));
      offsets[axis] = fround(CENTRE * shift) / anchorSize;
      offsets[axis + 2] = SIZE * fround(log(fround(inclusiveSize(boxes, axis) / anchorSize)));
    }
  }
  return offsets;
}

/** Boxes xyxy [n, 4] from offsets [n, 4] and their anchors [n, 4]. */
export function decodeBoxes(offsets: Float32Array, anchors: Float32Array): Float32Array {
  const boxes = new Float32Array(offsets.length);
  for (let at = 0; at < offsets.length; at += 4) {
    for (let axis = at; axis < at + 2; axis++) {
      const anchorSize = inclusiveSize(anchors, axis);
      const middle = fround(fround(fround(offsets[axis]! / CENTRE) * anchorSize) + centre(anchors, axis));
      const size = fround(fround(exp(min(fround(offsets[axis + 2]! / SIZE), LARGEST))) * anchorSize);
      const half = fround((size - 1) / 2);
      boxes[axis] = middle - half;
      boxes[axis + 2] = middle + half;
    }
  }
  return boxes;
}

/** Centre of a box along one axis; `axis` is the index of the lower end. */
function centre(boxes: Float32Array, axis: number): number {
  return fround(fround(boxes[axis]! + boxes[axis + 2]!) / 2);
}

function inclusiveSize(boxes: Float32Array, axis: number): number {
  return fround(fround(boxes[axis + 2]! - boxes[axis]!) + 1);
}
