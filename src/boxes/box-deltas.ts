/** Boxes as offsets from other boxes, with exclusive ends. Source: detectron2 `modeling/box_regression.py`, Box2BoxTransform. */

const { exp, fround, log, max, min } = Math;

/** Factors of the offsets of centres and of the logarithms of sizes. */
export interface DeltaWeights {
  readonly centre: number;
  readonly size: number;
}

/** The factors for proposals, and for the boxes after them. */
export const PROPOSAL_DELTAS: DeltaWeights = { centre: 1, size: 1 };
export const REGION_DELTAS: DeltaWeights = { centre: 10, size: 5 };

/** The maximum logarithm of a size; there is no minimum. */
const LARGEST = fround(log(1000 / 16));

/** Boxes xyxy [n,m,4] from offsets [n,m,4] (dx, dy, dw, dh) and their reference boxes [n,4]; each reference box has m offsets. */
export function applyDeltas(deltas: Float32Array, boxes: Float32Array, { centre, size }: DeltaWeights): Float32Array {
  const found = new Float32Array(deltas.length);
  const each = deltas.length / (boxes.length / 4);
  for (let at = 0; at < deltas.length; at += 4) {
    const from = 4 * Math.floor(at / each);
    for (let axis = 0; axis < 2; axis++) {
      const [low, high] = [boxes[from + axis]!, boxes[from + axis + 2]!];
      const long = fround(high - low);
      const middle = fround(low + fround(0.5 * long));
      const moved = fround(fround(fround(deltas[at + axis]! / centre) * long) + middle);
      const grown = fround(exp(min(fround(deltas[at + axis + 2]! / size), LARGEST)));
      const half = fround(0.5 * fround(grown * long));
      found[at + axis] = moved - half;
      found[at + axis + 2] = moved + half;
    }
  }
  return found;
}

/** Offsets [n,4] from boxes [n,4] to target boxes [n,4]. */
export function deltasTo(wanted: Float32Array, boxes: Float32Array, { centre, size }: DeltaWeights): Float32Array {
  const deltas = new Float32Array(boxes.length);
  for (let at = 0; at < boxes.length; at += 4) {
    for (let axis = at; axis < at + 2; axis++) {
      const long = fround(boxes[axis + 2]! - boxes[axis]!);
      const goal = fround(wanted[axis + 2]! - wanted[axis]!);
      const from = fround(boxes[axis]! + fround(0.5 * long));
      const to = fround(wanted[axis]! + fround(0.5 * goal));
      deltas[axis] = fround(centre * fround(to - from)) / long;
      deltas[axis + 2] = size * fround(log(fround(goal / long)));
    }
  }
  return deltas;
}

/** Clips boxes xyxy to a picture of `height` × `width` pixels. */
export function clipBoxes(boxes: Float32Array, { height, width }: { height: number; width: number }): Float32Array {
  return boxes.map((value, i) => max(0, min(value, i % 2 ? height : width)));
}

/** Whether box `i` has a width and a height. */
export function hasArea(boxes: Float32Array, i: number): boolean {
  return boxes[4 * i + 2]! > boxes[4 * i]! && boxes[4 * i + 3]! > boxes[4 * i + 1]!;
}
