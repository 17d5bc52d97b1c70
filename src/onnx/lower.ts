/** Lowers the graph of some output tensors to an ONNX model, one row per operation. */

import { InputError, ShapeError } from "../errors.ts";
import { type ElementType, type Numbers, reachable, sameShape, type Tensor, toFloat16 } from "../tensor/index.ts";
import { BakedWeights } from "./baked-weights.ts";
import { Emitter } from "./emitter.ts";
import type { Lowered, LowerOptions } from "./lowered.ts";
import { elementCodes, encodeModel, type OnnxModel, type OnnxTensor, type OnnxValue } from "./proto.ts";
import { type Row, rows, sinceOpset } from "./rows.ts";

export type { BakedWeight, Fed, Lowered, LowerOptions } from "./lowered.ts";

/**
 * Number of elements that ScatterND adds in one thread, whatever the number of threads (`scatter_nd.cc` counts one cycle for each, and
 * `threadpool.cc` uses several threads from 110,000 cycles on).
 */
const SERIAL_ADDITIONS = 100_000;

/** Lowers the graph of the outputs to the bytes of an ONNX model. */
export function lower(outputs: Readonly<Record<string, Tensor>>, options: LowerOptions = {}): Lowered {
  const { lowered, model } = lowerToModel(outputs, options);
  return { ...lowered, bytes: encodeModel(model) };
}

/** The same before it is written as bytes. */
export function lowerToModel(
  outputs: Readonly<Record<string, Tensor>>,
  options: LowerOptions = {},
): { lowered: Omit<Lowered, "bytes">; model: OnnxModel } {
  if (options.portable && options.weightBits)
    throw new InputError("8-bit weights need operators of com.microsoft; remove portable");
  return new Lowering(outputs, options).model();
}

/** The state of lowering one model. */
class Lowering {
  private readonly training: boolean;
  private readonly half: boolean;
  private readonly sizesFed: boolean;
  /** All tensors, each after its inputs. */
  private readonly tensors: readonly Tensor[];
  private readonly lowered: Omit<Lowered, "bytes">;
  private readonly initializers: OnnxTensor[] = [];
  private readonly weights: BakedWeights;
  private readonly emit: Emitter;
  private readonly names = new Map<Tensor, string>();
  private readonly leaves = new Map<string, Tensor>();
  /** ONNX Runtime treats a shape as empty if it knows the rank of the reshaped tensor, but not the length of the shape. */
  private readonly ofOneLength = new Set<string>();

  constructor(
    private readonly outputs: Readonly<Record<string, Tensor>>,
    private readonly options: LowerOptions,
  ) {
    const { training = false, portable = false } = options;
    this.training = training;
    this.half = options.precision === "float16";
    this.sizesFed = options.sizes === "fed";
    this.weights = new BakedWeights(options, this.initializers);
    this.tensors = reachable(Object.values(outputs), (tensor) => this.writtenInputs(tensor));
    this.lowered = {
      ...{ inputs: [], parameters: [], dropMasks: [], constants: [], outputs: [] },
      oneThread: this.tensors.some((t) => is(t, "scatterAddRows") && t.inputs[2]!.count > SERIAL_ADDITIONS),
      notOnWebGpu: [],
    };
    this.emit = new Emitter({
      opset: this.tensors.reduce((highest, t) => Math.max(highest, sinceOpset[t.operation] ?? 17), 17),
      ...{ training, portable, half: this.half, names: this.names },
      hold: (name, value, length) => this.hold(name, value, length),
      bytesOf: (product) => this.weights.bytesOf(product),
    });
  }

  /** Lowers all tensors; call it once. */
  model(): { lowered: Omit<Lowered, "bytes">; model: OnnxModel } {
    this.tensors.forEach((tensor, index) => {
      this.emit.enter(tensor.scope);
      const name =
        this.nameLeaf(tensor, index) ?? (rows[tensor.operation] as Row<typeof tensor.operation>)(this.emit, tensor);
      this.names.set(tensor, name);
      if (is(tensor, "convolution") && isWrongOnWebGpu(tensor)) this.lowered.notOnWebGpu.push(name);
    });
    this.emit.enter("");
    const outputs = Object.entries(this.outputs).map(([name, tensor]) => this.answer(name, tensor));
    const { opset, nodes } = this.emit;
    const model = { opset, nodes, inputs: this.fedValues(), outputs, initializers: this.initializers };
    return { lowered: this.lowered, model };
  }

  /** The inputs of a tensor's nodes: dropout that is not active needs no mask, and bytes replace a weight. */
  private writtenInputs(tensor: Tensor): readonly Tensor[] {
    const erased = tensor.operation === "dropout" && !this.training;
    return erased || this.weights.layoutOf(tensor) ? tensor.inputs.slice(0, 1) : tensor.inputs;
  }

  /** The name of a tensor that is not the result of an operation. */
  private nameLeaf(tensor: Tensor, index: number): string | undefined {
    if (is(tensor, "input") || is(tensor, "parameter")) return this.nameNamed(tensor);
    if (is(tensor, "constant")) return this.hold(`constant_${index}`, tensor);
    if (is(tensor, "dropMask")) return this.nameMask(tensor, `dropMask_${index}`);
    return undefined;
  }

  /** An input or a parameter: fed, or a baked weight. */
  private nameNamed(tensor: Tensor<"input"> | Tensor<"parameter">): string | undefined {
    const { type, shape } = tensor;
    const { name } = tensor.attributes;
    const known = this.leaves.get(name);
    if (known) {
      checkSame(name, known, tensor);
      return this.names.get(known);
    }
    this.leaves.set(name, tensor);
    const data = tensor.operation === "parameter" ? this.options.baked?.(name) : undefined;
    if (data) return this.weights.bake(this.emit, { name, shape, data });
    const fed = tensor.operation === "input" ? this.lowered.inputs : this.lowered.parameters;
    fed.push({ name, type, shape });
    return this.taken(name, type);
  }

  private nameMask({ type, shape, attributes }: Tensor<"dropMask">, name: string): string {
    if (!this.training) return name;
    this.lowered.dropMasks.push({ name, type, shape, rate: attributes.rate });
    return this.taken(name, type);
  }

  /** Adds a constant, which is fed if it may depend on the sizes, and returns its name. */
  private hold(name: string, value: Tensor, length?: "one length"): string {
    const { data } = value.attributes as { data: Numbers };
    const halved = this.half && value.type === "float32";
    const held = halved
      ? { name, type: "float16" as const, shape: value.shape, data: toFloat16(data as Float32Array) }
      : { name, type: value.type, shape: value.shape, data };
    if (this.sizesFed && (value.rank > 0 || value.type === "int64")) {
      this.lowered.constants.push(held);
      if (length) this.ofOneLength.add(name);
    } else this.initializers.push(held);
    return name;
  }

  /** A fed float32 value, converted to the type of the rest of the graph. */
  private taken(name: string, type: ElementType): string {
    if (!this.half || type !== "float32") return name;
    return this.emit.node("Cast", [name], { attributes: { to: elementCodes.float16 } });
  }

  /** Adds an output with the requested name and the tensor's own type. */
  private answer(name: string, tensor: Tensor): OnnxValue {
    const leaf = this.leaves.get(name);
    if (leaf)
      throw new ShapeError("lower", `an output has the same name as ${leaf.operation} ${name}`, [leaf.shape], "");
    const { type, shape } = tensor;
    const node = { name: `output/${name}`, inputs: [this.emit.value(tensor)], outputs: [name] };
    if (this.half && type === "float32")
      this.emit.nodes.push({ ...node, type: "Cast", attributes: { to: elementCodes.float32 } });
    else this.emit.nodes.push({ ...node, type: "Identity" });
    this.lowered.outputs.push({ name, type, shape });
    return { name, type, ...(this.sizesFed ? {} : { shape }) };
  }

  private fedValues(): OnnxValue[] {
    const { inputs, dropMasks, constants, parameters } = this.lowered;
    const fed = [...inputs, ...dropMasks, ...constants].map(({ name, type, shape }) => ({
      name,
      type,
      ...(!this.sizesFed || this.ofOneLength.has(name) ? { shape } : {}),
    }));
    return [...fed, ...parameters.map(({ name, type, shape }) => ({ name, type, shape }))];
  }
}

/** Tensors with the same name must have the same kind, type and shape. */
function checkSame(name: string, a: Tensor, b: Tensor): void {
  if (a.operation !== b.operation || a.type !== b.type || !sameShape(a.shape, b.shape))
    throw new ShapeError("lower", `${a.operation} and ${b.operation} ${name} differ`, [a.shape, b.shape], b.scope);
}

/**
 * WebGPU's convolution of ONNX Runtime 1.30 reads wrong numbers where it takes the input's channels by threes, and the output's by fours.
 * By threes it takes 3 (which is right), and multiples of 3 that are no multiples of 4 (which is wrong).
 */
function isWrongOnWebGpu({ inputs: [, weight] }: Tensor<"convolution">): boolean {
  const [out, per] = weight!.shape as [number, number];
  return out % 4 === 0 && per % 3 === 0 && per % 4 !== 0 && per !== 3;
}

function is<K extends Tensor["operation"]>(tensor: Tensor, operation: K): tensor is Tensor<K> {
  return tensor.operation === operation;
}
