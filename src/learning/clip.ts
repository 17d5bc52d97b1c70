/** Clips gradients by their norm over all parameters (as torch.nn.utils.clip_grad_norm_). */

import type { NamedArrays } from "./optimizer.ts";

/** The Euclidean norm of all arrays as one vector; not finite if any entry is not. */
export function globalNorm(gradients: NamedArrays): number {
  let total = 0;
  for (const gradient of gradients.values()) total += squares(gradient);
  return Math.sqrt(total);
}

/** The factor, at most 1, that scales a gradient of norm `norm` to norm `maximum`. */
export function clipFactor(norm: number, maximum: number): number {
  return Math.min(1, maximum / (norm + 1e-6));
}

function squares(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}
