/** Gradients as more tensors, in reverse mode. */

import { ShapeError } from "../errors.ts";
import { add, constant, expand, inScope, reachable, sameShape, type Tensor } from "../tensor/index.ts";
import { type Rule, rules } from "./rules.ts";

/**
 * The gradient of a scalar with respect to each tensor asked for, of that tensor's shape; zeros where the scalar does not
 * depend on it. It follows every path, also those from one tensor asked for through another.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.count !== 1) throw new ShapeError("gradients", "the loss is not a scalar", [loss.shape], loss.scope);
  return backward(loss, expand(constant(1), loss.shape), wrt, reachable([loss]), new Set());
}

/**
 * What `seed`, the gradient of the output, says of each operand, the operands taken as independent of one another: the
 * gradients of an operation that is written out in others.
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

/** Goes back from the output through all but the `ends`. */
function backward(
  output: Tensor,
  seed: Tensor,
  wrt: readonly Tensor[],
  all: readonly Tensor[],
  ends: ReadonlySet<Tensor>,
): Tensor[] {
  const leads = leadsTo(all, new Set(wrt));
  const found = new Map<Tensor, Tensor>();
  if (leads.has(output)) found.set(output, seed);
  for (const tensor of all.toReversed()) {
    const gradient = found.get(tensor);
    const rule = rules[tensor.operation] as Rule<typeof tensor.operation> | "none";
    if (!gradient || rule === "none" || ends.has(tensor) || !tensor.inputs.some((x) => leads.has(x))) continue;
    const wanted = tensor.inputs.map((x) => leads.has(x));
    const parts = inScope(`${tensor.scope}/gradient`, () => rule(tensor, gradient, wanted));
    parts.forEach((part, i) => {
      const x = tensor.inputs[i]!;
      if (!part || !leads.has(x)) return;
      if (!sameShape(part.shape, x.shape))
        throw new ShapeError(
          `gradient of ${tensor.operation}`,
          `has the shape of no input ${i}`,
          [part.shape, x.shape],
          tensor.scope,
        );
      const before = found.get(x);
      found.set(x, before ? inScope(`${x.scope}/gradient`, () => add(before, part)) : part);
    });
  }
  return wrt.map((x) => found.get(x) ?? expand(constant(0), x.shape));
}

/** The tensors through which a gradient can reach one of the targets. */
function leadsTo(all: readonly Tensor[], targets: ReadonlySet<Tensor>): Set<Tensor> {
  const leads = new Set<Tensor>();
  for (const tensor of all)
    if (targets.has(tensor) || (rules[tensor.operation] !== "none" && tensor.inputs.some((x) => leads.has(x))))
      leads.add(tensor);
  return leads;
}
