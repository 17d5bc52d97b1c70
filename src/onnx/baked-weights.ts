/** Writes weights into a model with the requested number of bits. */

import { InputError } from "../errors.ts";
import { type Numbers, type Shape, type Tensor, toFloat16 } from "../tensor/index.ts";
import { blockBytes, blockScales, layoutOf, type WeightLayout } from "./eight-bit.ts";
import type { ByteWeight, Emitter } from "./emitter.ts";
import type { BakedWeight, LowerOptions } from "./lowered.ts";
import { elementCodes, type OnnxTensor } from "./proto.ts";

/** Adds weights to the initializers of a model. */
export class BakedWeights {
  private readonly half: boolean;
  private readonly inBytes = new Set<string>();

  constructor(
    private readonly options: Pick<LowerOptions, "baked" | "derive" | "precision" | "weightBits">,
    private readonly initializers: OnnxTensor[],
  ) {
    this.half = options.precision === "float16";
  }

  /** The layout of a product's right operand, if it is stored as bytes. */
  layoutOf(tensor: Tensor): WeightLayout | undefined {
    const { weightBits, baked } = this.options;
    return weightBits && tensor.operation === "matmul" && baked ? layoutOf(tensor.inputs[1]!) : undefined;
  }

  /**
   * Adds a weight and returns its name; float16 models hold it in half the bits. What lies in a file in float16 is widened by ONNX Runtime as
   * it makes the session, tens of times faster than by us, and without a second file.
   */
  bake(emit: Emitter, { name, shape, data }: { name: string; shape: Shape; data: BakedWeight }): string {
    const isHalf = "file" in data && data.type === "float16";
    if (!this.half && !isHalf) this.initializers.push({ name, type: "float32", shape, data });
    else {
      const halves = isHalf ? data : this.derive(`${name} float16`, name, toFloat16);
      this.initializers.push({ name, type: "float16", shape, data: halves });
    }
    return this.half || !isHalf ? name : emit.node("Cast", [name], { attributes: { to: elementCodes.float32 } });
  }

  /** Adds the bytes and scales of a product's right operand at its first use; does nothing for products that do not use bytes. */
  bytesOf(product: Tensor): ByteWeight | undefined {
    const layout = this.layoutOf(product);
    if (!layout) return undefined;
    const { name } = layout;
    const names = { bytes: `${name} 8-bit`, scales: `${name} scales` };
    if (!this.inBytes.has(name)) this.bakeBytes(names, layout);
    this.inBytes.add(name);
    return { ...names, layout };
  }

  private bakeBytes({ bytes, scales }: Pick<ByteWeight, "bytes" | "scales">, layout: WeightLayout): void {
    const { name, inputs, outputs, block } = layout;
    const blocks = Math.ceil(inputs / block);
    const scaleNumbers = (weight: Float32Array) => {
      const numbers = blockScales(weight, layout);
      return this.half ? toFloat16(numbers) : numbers;
    };
    this.initializers.push(
      {
        name: bytes,
        type: "uint8",
        shape: [outputs, blocks, block],
        data: this.derive(bytes, name, (weight) => blockBytes(weight, layout)),
      },
      {
        name: scales,
        type: this.half ? "float16" : "float32",
        shape: [outputs * blocks],
        data: this.derive(`${scales} ${this.half ? "float16" : "float32"}`, name, scaleNumbers),
      },
    );
  }

  private derive(key: string, name: string, make: (weight: Float32Array) => Numbers): OnnxTensor["data"] {
    if (this.options.derive) return this.options.derive(key, name, make);
    const weight = this.options.baked?.(name);
    if (weight instanceof Float32Array) return make(weight);
    throw new InputError(
      `weight ${name} cannot be converted without its numbers; give them, or store them with storeWeights`,
    );
  }
}
