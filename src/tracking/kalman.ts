/**
 * Kalman filters of four coordinates with constant velocities. No coordinate influences another in the filters of SORT, DeepSORT,
 * ByteTrack and OC-SORT, so a covariance is four 2×2 blocks and no matrix is inverted.
 */

/** Estimate of four coordinates: positions, velocities per reference frame, and their covariance, coordinate by coordinate. */
export interface Motion {
  readonly position: Float64Array;
  readonly velocity: Float64Array;
  /** Variance of the position. */
  readonly pp: Float64Array;
  /** Covariance of position and velocity. */
  readonly pv: Float64Array;
  /** Variance of the velocity. */
  readonly vv: Float64Array;
}

/** Four numbers, one for each coordinate. */
export type Four = readonly [number, number, number, number];

/** Variances that one reference frame adds to positions and to velocities. */
export interface ProcessNoise {
  position: Four;
  velocity: Four;
}

/** An estimate from a first measurement; velocities are 0. `variance`: the variances of positions and of velocities. */
export function firstMotion(measured: Four, variance: ProcessNoise): Motion {
  return {
    position: Float64Array.from(measured),
    velocity: new Float64Array(4),
    pp: Float64Array.from(variance.position),
    pv: new Float64Array(4),
    vv: Float64Array.from(variance.velocity),
  };
}

export function copyMotion({ position, velocity, pp, pv, vv }: Motion): Motion {
  return { position: position.slice(), velocity: velocity.slice(), pp: pp.slice(), pv: pv.slice(), vv: vv.slice() };
}

/** Moves the estimate on by `frames` reference frames, which may be a fraction: in closed form what so many single steps give. */
export function predict(motion: Motion, frames: number, noise: ProcessNoise): void {
  const { position, velocity, pp, pv, vv } = motion;
  const n = frames;
  for (let k = 0; k < 4; k++) {
    const [qp, qv] = [noise.position[k]!, noise.velocity[k]!];
    position[k]! += n * velocity[k]!;
    pp[k]! += n * (2 * pv[k]! + n * vv[k]!) + n * qp + (qv * (n - 1) * n * (2 * n - 1)) / 6;
    pv[k]! += n * vv[k]! + (qv * n * (n - 1)) / 2;
    vv[k]! += n * qv;
  }
}

/** Corrects the estimate by a measurement with the given variances; the covariance in Joseph's form. */
export function correct(motion: Motion, measured: Four, variance: Four): void {
  const { position, velocity, pp, pv, vv } = motion;
  for (let k = 0; k < 4; k++) {
    const [p, c, v, r] = [pp[k]!, pv[k]!, vv[k]!, variance[k]!];
    const gain = p / (p + r);
    const pull = c / (p + r);
    const innovation = measured[k]! - position[k]!;
    position[k]! += gain * innovation;
    velocity[k]! += pull * innovation;
    pp[k] = (1 - gain) ** 2 * p + gain ** 2 * r;
    pv[k] = (1 - gain) * (c - pull * p) + gain * pull * r;
    vv[k] = v - 2 * pull * c + pull ** 2 * (p + r);
  }
}

/** Squared Mahalanobis distance of a measurement from the estimate, over the first `coordinates` coordinates. */
export function squaredDistance(motion: Motion, measured: Four, variance: Four, coordinates = 4): number {
  let sum = 0;
  for (let k = 0; k < coordinates; k++)
    sum += (measured[k]! - motion.position[k]!) ** 2 / (motion.pp[k]! + variance[k]!);
  return sum;
}

/** The 0.95 quantile of χ² with four degrees of freedom: the gate of `squaredDistance` over four coordinates. */
export const GATE_OF_FOUR = 9.4877;
