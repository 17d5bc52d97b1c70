/** Gradients as more tensors, in reverse mode. */

import { ShapeError } from "../errors.ts";
import { add, constant, expand, inScope, reachable, sameShape, type Tensor } from "../tensor/index.ts";
import { type Rule, rules } from "./rules.ts";

/**
 * The gradient of a scalar with respect to each tensor asked for, of that tensor's shape; zeros where the scalar does not
 * depend on it. `seed` replaces the gradient 1 of the output, which then may have any shape.
 */
export function gradients(output: Tensor, wrt: readonly Tensor[], seed?: Tensor): Tensor[] {
  if (!seed && output.count !== 1)
    throw new ShapeError("gradients", "the loss is not a scalar", [output.shape], output.scope);
  const all = reachable([output]);
  const leads = leadsTo(all, new Set(wrt));
  const found = new Map<Tensor, Tensor>();
  if (leads.has(output)) found.set(output, seed ?? expand(constant(1), output.shape));
  for (const tensor of all.reverse()) {
    const gradient = found.get(tensor);
    const rule = rules[tensor.operation] as Rule<typeof tensor.operation> | "none";
    if (!gradient || rule === "none" || tensor.inputs.length === 0) continue;
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
