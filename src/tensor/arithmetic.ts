/** Element-wise operations: arithmetic with broadcasting, comparisons, activations. */

import { ShapeError } from "../errors.ts";
import type { Binary, Comparison, None, Unary } from "./operations.ts";
import { currentScope } from "./scope.ts";
import { constant, type ElementType, type Shape, Tensor } from "./tensor.ts";

/** A tensor, or a number, which becomes a constant of the other operand's type. */
export type Operand = Tensor | number;
const none: None = {};

/** NumPy broadcasting: sizes are aligned at the right; an axis of size 1 or a missing axis is repeated. */
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

/** a + b. The shapes broadcast as in NumPy. */
export const add = binary("add");
/** a − b. The shapes broadcast as in NumPy. */
export const subtract = binary("subtract");
/** a · b, element by element. The shapes broadcast as in NumPy. */
export const multiply = binary("multiply");
/** a / b. The shapes broadcast as in NumPy. */
export const divide = binary("divide");
/** a to the power of b. The shapes broadcast as in NumPy. */
export const power = binary("power");
/** The larger of a and b. The shapes broadcast as in NumPy. */
export const maximum = binary("maximum");
/** The smaller of a and b. The shapes broadcast as in NumPy. */
export const minimum = binary("minimum");
/** True where a < b. No gradient. */
export const less = comparison("less");
/** True where a > b. No gradient. */
export const greater = comparison("greater");
/** True where a = b. No gradient. */
export const equal = comparison("equal");
/** −x. */
export const negate = unary("negate", numeric);
/** e to the power of x. */
export const exp = unary("exp");
/** The natural logarithm of x. */
export const log = unary("log");
/** The square root of x. */
export const sqrt = unary("sqrt");
/** The error function of x. */
export const erf = unary("erf");
/** The hyperbolic tangent of x. */
export const tanh = unary("tanh");
/** 1 / (1 + e^−x). */
export const sigmoid = unary("sigmoid");
/** log(1 + e^x). */
export const softplus = unary("softplus");
/** max(x, 0). */
export const relu = unary("relu");
/** |x|. */
export const abs = unary("abs", numeric);
/** The largest whole number that is not above x. */
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

/** Limits values to min..max; the gradient is zero where a value was limited. */
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

/** The values converted to another element type. */
export function cast(x: Tensor, to: ElementType): Tensor {
  return x.type === to ? x : new Tensor("cast", [x], { to }, x.shape, to);
}

/** The same value; gradients stop here. */
export function stopGradient(x: Tensor): Tensor {
  return new Tensor("stopGradient", [x], none, x.shape, x.type);
}
