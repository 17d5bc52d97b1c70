/** A tensor is a value to be computed: an immutable node of a graph with a known shape and element type. */

import { ShapeError } from "../errors.ts";
import type { Operation, Operations } from "./operations.ts";
import { currentScope } from "./scope.ts";

/** The number type of a tensor's elements. */
export type ElementType = "float32" | "float16" | "int64" | "int32" | "bool" | "uint8";
/** Sizes along the axes; empty for a scalar. */
export type Shape = readonly number[];
/** Numbers of a constant or of a result. int64 is held as BigInt64Array, bool as Uint8Array, float16 as its bits. */
export type Numbers = Float32Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array;

let created = 0;

/** An immutable node of a graph: an operation, its operands, and the shape and element type of its result. */
export class Tensor<K extends Operation = Operation> {
  /** Order of creation: inputs always come before the tensors computed from them. */
  readonly id = created++;
  /** Scope path of the layer that made this tensor. */
  readonly scope = currentScope();

  constructor(
    readonly operation: K,
    readonly inputs: readonly Tensor[],
    readonly attributes: Operations[K],
    readonly shape: Shape,
    readonly type: ElementType,
  ) {
    for (const size of shape)
      if (!Number.isInteger(size) || size < 0)
        throw new ShapeError(
          operation,
          `makes a tensor of size ${size}`,
          inputs.map((x) => x.shape),
          this.scope,
        );
  }

  /** The number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get count(): number {
    return countOf(this.shape);
  }
}

/** The number of elements of a shape. */
export function countOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A value that the caller feeds at each run. */
export function input(name: string, shape: Shape, type: ElementType = "float32"): Tensor {
  return new Tensor("input", [], { name }, shape, type);
}

/** A trained value, named as in the checkpoint; fed at each run or baked into the session. */
export function parameter(name: string, shape: Shape): Tensor {
  return new Tensor("parameter", [], { name }, shape, "float32");
}

/** Constant numbers of the given shape (default: a scalar). The array is not copied and must not change. */
export function constant(numbers: Numbers | readonly number[] | number, shape?: Shape, type?: ElementType): Tensor {
  const data: Numbers =
    typeof numbers === "number"
      ? Float32Array.of(numbers)
      : Array.isArray(numbers)
        ? Float32Array.from(numbers)
        : (numbers as Numbers);
  const size = shape ?? (typeof numbers === "number" ? [] : [data.length]);
  if (countOf(size) !== data.length)
    throw new ShapeError("constant", `${data.length} numbers do not fill the shape`, [size], currentScope());
  return new Tensor("constant", [], { data }, size, type ?? typeOf(data));
}

/** Whole numbers as an int64 constant. */
export function indices(numbers: ArrayLike<number>, shape?: Shape): Tensor {
  return constant(BigInt64Array.from(Array.from(numbers, BigInt)), shape ?? [numbers.length]);
}

function typeOf(data: Numbers): ElementType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Int32Array) return "int32";
  return data instanceof Uint16Array ? "float16" : "uint8";
}

/** All tensors that the outputs are computed from, inputs first; `inputsOf` may leave some out. */
export function reachable(
  outputs: readonly Tensor[],
  inputsOf: (tensor: Tensor) => readonly Tensor[] = (tensor) => tensor.inputs,
): Tensor[] {
  const seen = new Set<Tensor>();
  const stack = [...outputs];
  for (let tensor = stack.pop(); tensor; tensor = stack.pop()) {
    if (seen.has(tensor)) continue;
    seen.add(tensor);
    stack.push(...inputsOf(tensor));
  }
  return [...seen].sort((a, b) => a.id - b.id);
}
