/** The memory that a graph's values take at once. */

import { countOf, type ElementType, reachable, type Tensor } from "../tensor/index.ts";

const itemBytes = { float32: 4, float16: 2, int64: 8, int32: 4, bool: 1, uint8: 1 } satisfies Record<
  ElementType,
  number
>;

/** Peak bytes of the values between inputs and outputs, if each is freed after its last use; without inputs, parameters, constants and outputs. */
export function peakBytes(outputs: readonly Tensor[]): number {
  const made = reachable(outputs).filter((tensor) => !isReshape(tensor));
  const kept = new Set(outputs.map(stored));
  const bytesOf = (tensor: Tensor) => (kept.has(tensor) ? 0 : sizeOf(tensor));
  const usesLeft = new Map<Tensor, number>();
  const inputsOf = (tensor: Tensor) => new Set(tensor.inputs.map(stored));
  for (const tensor of made) for (const one of inputsOf(tensor)) usesLeft.set(one, (usesLeft.get(one) ?? 0) + 1);
  let now = 0;
  let peak = 0;
  for (const tensor of made) {
    now += bytesOf(tensor);
    peak = Math.max(peak, now);
    for (const one of inputsOf(tensor)) {
      const left = usesLeft.get(one)! - 1;
      usesLeft.set(one, left);
      if (left === 0) now -= bytesOf(one);
    }
  }
  return peak;
}

function sizeOf({ operation, type, shape }: Tensor): number {
  return ["parameter", "constant", "input"].includes(operation) ? 0 : itemBytes[type] * countOf(shape);
}

/** A reshaped tensor shares the numbers of the one it is made from. */
function stored(tensor: Tensor): Tensor {
  return isReshape(tensor) ? stored(tensor.inputs[0]!) : tensor;
}

function isReshape({ operation }: Tensor): boolean {
  return operation === "reshape";
}
