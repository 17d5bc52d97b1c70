/** What lowering rows can do: get the names of inputs, and add nodes, constants and size-dependent constants. */

import { constant, indices, type Numbers, type Shape, type Tensor } from "../tensor/index.ts";
import type { WeightLayout } from "./eight-bit.ts";
import type { AttributeValue, OnnxNode } from "./proto.ts";

export interface NodeOptions {
  attributes?: Readonly<Record<string, AttributeValue>>;
  domain?: string;
  /** The index of the wanted output. */
  output?: number;
}

/** An 8-bit weight: the names of its values, and its layout. */
export interface ByteWeight {
  bytes: string;
  scales: string;
  layout: WeightLayout;
}

interface EmitterSettings {
  opset: number;
  training: boolean;
  portable: boolean;
  half: boolean;
  names: ReadonlyMap<Tensor, string>;
  /** Adds a constant that may depend on the sizes, and returns its name. */
  hold: (name: string, value: Tensor, length?: "one length") => string;
  bytesOf: (product: Tensor) => ByteWeight | undefined;
}

export class Emitter {
  readonly nodes: OnnxNode[] = [];
  private scope = "";
  private serial = 0;

  constructor(private readonly settings: EmitterSettings) {}

  /** ONNX operator set of the model. */
  get opset(): number {
    return this.settings.opset;
  }

  /** Whether dropout is active. */
  get training(): boolean {
    return this.settings.training;
  }

  /** Whether only standard operators are allowed. */
  get portable(): boolean {
    return this.settings.portable;
  }

  /** Whether float32 tensors are computed in float16. */
  get half(): boolean {
    return this.settings.half;
  }

  /** The right operand of a product, if it is a baked weight stored as bytes. */
  bytesOf(product: Tensor): ByteWeight | undefined {
    return this.settings.bytesOf(product);
  }

  /** Sets the scope path in the names of the next nodes. */
  enter(scope: string): void {
    this.scope = scope;
  }

  value(tensor: Tensor): string {
    const name = this.settings.names.get(tensor);
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

  /** An int64 vector whose values, but not its length, may depend on the sizes: a shape, the ends of a slice. */
  sizes(numbers: readonly number[]): string {
    return this.settings.hold(this.fresh("sizes"), indices(numbers), "one length");
  }

  /** An int64 vector whose values and length may depend on the sizes. */
  table(numbers: readonly number[]): string {
    return this.settings.hold(this.fresh("table"), indices(numbers));
  }

  /** float32 numbers that may depend on the sizes. */
  numbers(data: Numbers | number, shape?: Shape): string {
    return this.settings.hold(this.fresh("numbers"), constant(data, shape));
  }

  private fresh(kind: string): string {
    return `${this.scope ? `${this.scope}/` : ""}${kind}_${this.serial++}`;
  }
}
