/** The motion of DeepSORT and ByteTrack: centre, aspect (width / height) and height of a box; deviations grow with the height. */

import { correct, type Four, firstMotion, type Motion, predict, squaredDistance } from "./kalman.ts";
import type { Xyxy } from "./overlap.ts";

const POSITION = 1 / 20;
const VELOCITY = 1 / 160;

/** A box as it is measured. */
export function heightOf([x1, y1, x2, y2]: Xyxy): Four {
  const [width, height] = [x2 - x1, y2 - y1];
  return [x1 + width / 2, y1 + height / 2, width / height, height];
}

/** The estimate from a first measurement. */
export function heightMotion(measured: Four): Motion {
  const position = (2 * POSITION * measured[3]) ** 2;
  const velocity = (10 * VELOCITY * measured[3]) ** 2;
  return firstMotion(measured, {
    position: [position, position, 1e-4, position],
    velocity: [velocity, velocity, 1e-10, velocity],
  });
}

/** Moves the estimate on by so many reference frames. */
export function predictHeight(motion: Motion, frames: number): void {
  const position = (POSITION * motion.position[3]!) ** 2;
  const velocity = (VELOCITY * motion.position[3]!) ** 2;
  predict(motion, frames, {
    position: [position, position, 1e-4, position],
    velocity: [velocity, velocity, 1e-10, velocity],
  });
}

/** Corrects the estimate by a box. */
export function correctHeight(motion: Motion, measured: Four): void {
  correct(motion, measured, measuredVariance(motion));
}

/** Squared Mahalanobis distance of a box from the estimate; of its centre alone where `coordinates` is 2. */
export function distanceByHeight(motion: Motion, measured: Four, coordinates = 4): number {
  return squaredDistance(motion, measured, measuredVariance(motion), coordinates);
}

/** The estimated box. */
export function heightBox({ position: [x, y, aspect, height] }: Motion): Xyxy {
  const width = aspect! * height!;
  const [left, top] = [x! - width / 2, y! - height! / 2];
  return [left, top, left + width, top + height!];
}

/** Variances of a measured box. */
function measuredVariance({ position }: Motion): Four {
  const variance = (POSITION * position[3]!) ** 2;
  return [variance, variance, 1e-2, variance];
}
