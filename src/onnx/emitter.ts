/** What a lowering row may do: name the values of its inputs and add nodes, fixed numbers and size-dependent numbers. */

import { constant, indices, type Numbers, type Shape, type Tensor } from "../tensor/index.ts";
import type { AttributeValue, OnnxNode } from "./proto.ts";

export interface NodeOptions {
  attributes?: Readonly<Record<string, AttributeValue>>;
  domain?: string;
  /** Which of several outputs is wanted. */
  output?: number;
}

export class Emitter {
  readonly nodes: OnnxNode[] = [];
  private scope = "";
  private serial = 0;

  constructor(
    /** ONNX operator set of the model. */
    readonly opset: number,
    /** Whether dropout acts. */
    readonly training: boolean,
    /** Whether only standard operators may be used. */
    readonly portable: boolean,
    private readonly names: Map<Tensor, string>,
    /** Takes a constant that may change with the sizes, and answers the name of its value. */
    private readonly hold: (name: string, value: Tensor) => string,
  ) {}

  /** Sets the scope path that the names of the next nodes carry. */
  enter(scope: string): void {
    this.scope = scope;
  }

  value(tensor: Tensor): string {
    const name = this.names.get(tensor);
    if (name === undefined) throw new Error(`${tensor.operation} was not lowered before its use`);
    return name;
  }

  node(type: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const name = `${this.scope ? `${this.scope}/` : ""}${type}_${this.serial++}`;
    const outputs = Array.from({ length: options.output ?? 0 }, (_, i) => `${name}_before_${i}`).concat(name);
    this.nodes.push({
      name,
      type,
      inputs,
      outputs,
      ...(options.domain ? { domain: options.domain } : {}),
      ...(options.attributes ? { attributes: options.attributes } : {}),
    });
    return name;
  }

  /** An int64 vector that may change with the sizes: a shape, the ends of a slice. */
  sizes(numbers: readonly number[]): string {
    return this.hold(this.fresh("sizes"), indices(numbers));
  }

  /** float32 numbers that may change with the sizes. */
  numbers(data: Numbers | number, shape?: Shape): string {
    return this.hold(this.fresh("numbers"), constant(data, shape));
  }

  private fresh(kind: string): string {
    return `${this.scope ? `${this.scope}/` : ""}${kind}_${this.serial++}`;
  }
}
