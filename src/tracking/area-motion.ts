/** The motion of SORT and OC-SORT: centre, area and aspect (width / height) of a box; the aspect has no velocity. */

import { type Four, firstMotion, type Motion, type ProcessNoise } from "./kalman.ts";
import type { Xyxy } from "./overlap.ts";

/** Variances that a reference frame adds. */
export const AREA_NOISE: ProcessNoise = { position: [1, 1, 1, 1], velocity: [0.01, 0.01, 1e-4, 0] };
/** Variances of a measured box. */
export const AREA_MEASURED: Four = [1, 1, 10, 10];

/** A box as it is measured. `extra` is added to the height under the aspect: 0, in OC-SORT 1e-6. */
export function areaOf([x1, y1, x2, y2]: Xyxy, extra = 0): Four {
  const [width, height] = [x2 - x1, y2 - y1];
  return [x1 + width / 2, y1 + height / 2, width * height, width / (height + extra)];
}

/** The estimate from a first measurement. */
export function areaMotion(measured: Four): Motion {
  return firstMotion(measured, { position: [10, 10, 10, 10], velocity: [1e4, 1e4, 1e4, 0] });
}

/** Stops the change of an area that would not stay positive for so many reference frames. */
export function keepAreaPositive({ position, velocity }: Motion, frames: number): void {
  if (position[2]! + frames * velocity[2]! <= 0) velocity[2] = 0;
}

/** The estimated box; not-a-number where area or aspect are negative. */
export function areaBox({ position: [x, y, area, aspect] }: Motion): Xyxy {
  const width = Math.sqrt(area! * aspect!);
  const height = area! / width;
  return [x! - width / 2, y! - height / 2, x! + width / 2, y! + height / 2];
}
