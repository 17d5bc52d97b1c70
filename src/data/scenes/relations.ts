/** Spatial relations between things in a picture. */

import type { SceneObject } from "./compose.ts";

type Place = Pick<SceneObject, "box" | "visible">;

/**
 * The relation that holds between each of the first things and the single second thing: "left of", "right of", "above",
 * "below" where the boxes are apart, "in front of" where the first, drawn later, hides a part of the second.
 */
export function relationBetween(first: readonly Place[], second: readonly Place[]): string | undefined {
  const [that] = second;
  if (!that || second.length > 1) return undefined;
  const all = (holds: (thing: Place) => boolean) => first.every(holds);
  if (all(({ box }) => aside(box, that.box, 0))) return "left of";
  if (all(({ box }) => aside(that.box, box, 0))) return "right of";
  if (all(({ box }) => aside(box, that.box, 1))) return "above";
  if (all(({ box }) => aside(that.box, box, 1))) return "below";
  if (all((thing) => thing.visible > 0.98 && that.visible < 0.92 && shared(thing.box, that.box) > 0.15))
    return "in front of";
  return undefined;
}

type Box = SceneObject["box"];

/** Whether one box ends before the other starts, and both overlap in the other direction. */
function aside(box: Box, other: Box, axis: 0 | 1): boolean {
  const across = axis === 0 ? 1 : 0;
  const apart = (box[(axis + 2) as 2 | 3] ?? 0) <= (other[axis] ?? 0);
  const middle = ((box[across] ?? 0) + (box[(across + 2) as 2 | 3] ?? 0)) / 2;
  return apart && middle > (other[across] ?? 0) && middle < (other[(across + 2) as 2 | 3] ?? 0);
}

/** The fraction of the second box that the first covers. */
function shared(box: Box, other: Box): number {
  const width = Math.min(box[2], other[2]) - Math.max(box[0], other[0]);
  const height = Math.min(box[3], other[3]) - Math.max(box[1], other[1]);
  return (Math.max(0, width) * Math.max(0, height)) / ((other[2] - other[0]) * (other[3] - other[1]));
}
