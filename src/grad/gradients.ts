/** Gradients as more tensors, in reverse mode. */

import { ShapeError } from "../errors.ts";
import {
  add,
  concat,
  constant,
  expand,
  inScope,
  type Operations,
  reachable,
  sameShape,
  type Tensor,
} from "../tensor/index.ts";
import { type Rule, rules } from "./rules.ts";

/**
 * The gradient of a scalar with respect to each given tensor, in that tensor's shape; zeros if the scalar does not depend on it. All paths
 * count, including those from one given tensor through another.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.count !== 1) throw new ShapeError("gradients", "the loss is not a scalar", [loss.shape], loss.scope);
  return backward(loss, expand(constant(1), loss.shape), wrt, reachable([loss]), new Set());
}

/**
 * The gradients of the operands, given `seed`, the gradient of the output, as if the operands were independent: the gradients of an
 * operation composed of others.
 */
export function operandGradients(output: Tensor, seed: Tensor, operands: readonly Tensor[]): Tensor[] {
  const ends = new Set(operands);
  return backward(
    output,
    seed,
    operands,
    reachable([output], (tensor) => (ends.has(tensor) ? [] : tensor.inputs)),
    ends,
  );
}

/** Propagates gradients back from the output, but not through the `ends`. */
function backward(
  output: Tensor,
  seed: Tensor,
  wrt: readonly Tensor[],
  all: readonly Tensor[],
  ends: ReadonlySet<Tensor>,
): Tensor[] {
  const reaching = tensorsReaching(all, new Set(wrt));
  const parts = new Map<Tensor, Tensor[]>(reaching.has(output) ? [[output, [seed]]] : []);
  const found = new Map<Tensor, Tensor>();
  for (const tensor of all.toReversed()) {
    const given = parts.get(tensor);
    if (!given) continue;
    const gradient = inScope(`${tensor.scope}/gradient`, () => sumOf(given));
    found.set(tensor, gradient);
    const rule = rules[tensor.operation] as Rule<typeof tensor.operation> | "none";
    if (rule === "none" || ends.has(tensor) || !tensor.inputs.some((x) => reaching.has(x))) continue;
    const wanted = tensor.inputs.map((x) => reaching.has(x));
    const slopes = inScope(`${tensor.scope}/gradient`, () => rule(tensor, gradient, wanted));
    slopes.forEach((part, i) => {
      const x = tensor.inputs[i]!;
      if (!part || !reaching.has(x)) return;
      if (!sameShape(part.shape, x.shape))
        throw new ShapeError(
          `gradient of ${tensor.operation}`,
          `has the shape of no input ${i}`,
          [part.shape, x.shape],
          tensor.scope,
        );
      parts.set(x, [...(parts.get(x) ?? []), part]);
    });
  }
  return wrt.map((x) => found.get(x) ?? expand(constant(0), x.shape));
}

/** The sum of the parts. Gradients of adjacent slices, each padded with zeros, are concatenated instead. */
function sumOf(parts: readonly Tensor[]): Tensor {
  const last = parts[0]!.rank - 1;
  for (let axis = 0; axis <= last; axis++) {
    const pieces = parts.filter((part) => isPiece(part, axis)).sort((a, b) => startOf(a, axis) - startOf(b, axis));
    const inner = pieces.map((piece) => piece.inputs[0]!);
    let end = 0;
    const sideBySide = pieces.every((piece, i) => {
      const start = end;
      end += inner[i]!.shape[axis]!;
      return startOf(piece, axis) === start;
    });
    if (pieces.length > 1 && sideBySide && end === parts[0]!.shape[axis])
      return [concat(inner, axis), ...parts.filter((part) => !pieces.includes(part))].reduce(add);
  }
  return parts.reduce(add);
}

/** Whether a gradient is zero except in a range along one axis. */
function isPiece(part: Tensor, axis: number): boolean {
  return part.operation === "pad" && part.inputs[0]!.shape.every((size, i) => i === axis || size === part.shape[i]);
}

function startOf(piece: Tensor, axis: number): number {
  return (piece.attributes as Operations["pad"]).before[axis]!;
}

/** The tensors through which a gradient can reach one of the targets. */
function tensorsReaching(all: readonly Tensor[], targets: ReadonlySet<Tensor>): Set<Tensor> {
  const leads = new Set<Tensor>();
  for (const tensor of all)
    if (targets.has(tensor) || (rules[tensor.operation] !== "none" && tensor.inputs.some((x) => leads.has(x))))
      leads.add(tensor);
  return leads;
}
