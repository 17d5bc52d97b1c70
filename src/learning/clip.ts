/** Clips gradients by their norm over all parameters (as torch.nn.utils.clip_grad_norm_). */

import { performAll } from "./array-work.ts";
import type { NamedArrays } from "./optimizer.ts";

/** The Euclidean norm of all arrays as one vector; not finite if any entry is not. */
export async function globalNorm(gradients: NamedArrays): Promise<number> {
  const squares = await performAll(
    [...gradients.values()].map((values) => ({ kernel: "squares", arrays: { values }, numbers: {} })),
  );
  return Math.sqrt(squares.reduce((total, one) => total + one, 0));
}

/** The factor, at most 1, that scales a gradient of norm `norm` to norm `maximum`. */
export function clipFactor(norm: number, maximum: number): number {
  return Math.min(1, maximum / (norm + 1e-6));
}
