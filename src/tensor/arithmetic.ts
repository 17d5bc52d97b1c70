/** Element by element: arithmetic with broadcasting, comparisons, activations. */

import { ShapeError } from "../errors.ts";
import type { Binary, Comparison, None, Unary } from "./operations.ts";
import { currentScope } from "./scope.ts";
import { constant, type ElementType, type Shape, Tensor } from "./tensor.ts";

export type Operand = Tensor | number;
const none: None = {};

/** NumPy broadcasting: sizes are aligned at the right; a size of 1 or an absent one stretches. */
export function broadcastShapes(operation: string, shapes: readonly Shape[], operands = shapes): Shape {
  const rank = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((s) => s[s.length - rank + axis] ?? 1).filter((size) => size !== 1);
    if (sizes.some((size) => size !== sizes[0]))
      throw new ShapeError(
        operation,
        `sizes ${[...new Set(sizes)].join(" and ")} do not broadcast`,
        operands,
        currentScope(),
      );
    return sizes[0] ?? 1;
  });
}

function tensorOf(value: Operand): Tensor {
  return typeof value === "number" ? constant(value) : value;
}

/** The element type that all operands have. */
export function sameType(operation: string, tensors: readonly Tensor[]): ElementType {
  const types = [...new Set(tensors.map((t) => t.type))];
  if (types.length > 1)
    throw new ShapeError(
      operation,
      `element types ${types.join(" and ")} differ`,
      tensors.map((t) => t.shape),
      currentScope(),
    );
  return types[0]!;
}

function binary(operation: Binary) {
  return (a: Operand, b: Operand): Tensor => {
    const pair = [tensorOf(a), tensorOf(b)];
    const shape = broadcastShapes(
      operation,
      pair.map((t) => t.shape),
    );
    return new Tensor(operation, pair, none, shape, sameType(operation, pair));
  };
}

function comparison(operation: Comparison) {
  return (a: Operand, b: Operand): Tensor => {
    const pair = [tensorOf(a), tensorOf(b)];
    sameType(operation, pair);
    return new Tensor(
      operation,
      pair,
      none,
      broadcastShapes(
        operation,
        pair.map((t) => t.shape),
      ),
      "bool",
    );
  };
}

function unary(operation: Unary, types: readonly ElementType[] = ["float32", "float16"]) {
  return (x: Tensor): Tensor => {
    if (!types.includes(x.type)) throw new ShapeError(operation, `does not take ${x.type}`, [x.shape], currentScope());
    return new Tensor(operation, [x], none, x.shape, x.type);
  };
}
const numeric = ["float32", "float16", "int64", "int32"] as const;

export const add = binary("add");
export const subtract = binary("subtract");
export const multiply = binary("multiply");
export const divide = binary("divide");
export const power = binary("power");
export const maximum = binary("maximum");
export const minimum = binary("minimum");
export const less = comparison("less");
export const greater = comparison("greater");
export const equal = comparison("equal");
export const negate = unary("negate", numeric);
export const exp = unary("exp");
export const log = unary("log");
export const sqrt = unary("sqrt");
export const erf = unary("erf");
export const tanh = unary("tanh");
export const sigmoid = unary("sigmoid");
export const softplus = unary("softplus");
export const relu = unary("relu");
export const abs = unary("abs", numeric);
export const floor = unary("floor");
/** True where x is false. */
export const not = unary("not", ["bool"]);
/** GELU in its exact erf form. */
export const gelu = unary("gelu");

/** GELU in the tanh approximation. */
export function geluTanh(x: Tensor): Tensor {
  const cubic = multiply(add(x, multiply(multiply(multiply(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return multiply(multiply(x, 0.5), add(tanh(cubic), 1));
}

/** x·sigmoid(1.702·x), as CLIP uses it. */
export function quickGelu(x: Tensor): Tensor {
  return multiply(x, sigmoid(multiply(x, 1.702)));
}

/** min(max(x + 3, 0), 6) / 6. */
export function hardSigmoid(x: Tensor): Tensor {
  return divide(clamp(add(x, 3), 0, 6), 6);
}

/** Limits values to min..max; no gradient flows where a value was cut. */
export function clamp(x: Tensor, min: number, max: number): Tensor {
  if (!(min <= max)) throw new ShapeError("clamp", `${min} is above ${max}`, [x.shape], currentScope());
  return new Tensor("clamp", [x], { min, max }, x.shape, x.type);
}

/** `then` where the condition holds, `otherwise` elsewhere; all three broadcast. */
export function where(condition: Tensor, then: Operand, otherwise: Operand): Tensor {
  const values = [tensorOf(then), tensorOf(otherwise)];
  if (condition.type !== "bool")
    throw new ShapeError("where", `the condition is ${condition.type}, not bool`, [condition.shape], currentScope());
  const all = [condition, ...values];
  return new Tensor(
    "where",
    all,
    none,
    broadcastShapes(
      "where",
      all.map((t) => t.shape),
    ),
    sameType("where", values),
  );
}

export function cast(x: Tensor, to: ElementType): Tensor {
  return x.type === to ? x : new Tensor("cast", [x], { to }, x.shape, to);
}

/** The same value; gradients end here. */
export function stopGradient(x: Tensor): Tensor {
  return new Tensor("stopGradient", [x], none, x.shape, x.type);
}
