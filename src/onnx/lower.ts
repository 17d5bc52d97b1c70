/** From tensors to an ONNX model: what the outputs reach, one row per operation. */

import { InputError, ShapeError } from "../errors.ts";
import {
  type ElementType,
  type Numbers,
  reachable,
  type Shape,
  sameShape,
  type Tensor,
  toFloat16,
} from "../tensor/index.ts";
import { blockBytes, blockScales, layoutOf } from "./eight-bit.ts";
import { type ByteWeight, Emitter } from "./emitter.ts";
import { elementCodes, encodeModel, type OnnxModel, type OnnxTensor, type OnnxValue } from "./proto.ts";
import { type Row, rows, sinceOpset } from "./rows.ts";

export interface LowerOptions {
  /** Whether dropout and drop path act. */
  training?: boolean;
  /** Fed: numbers that depend on picture sizes become inputs, so that traces at other sizes give the same bytes. */
  sizes?: "baked" | "fed";
  /** Parameters baked in as initializers; those it does not know are fed. */
  baked?: (name: string) => OnnxTensor["data"] | undefined;
  /** Numbers made of a baked weight and kept under a key, where weights lie in a file. */
  derive?: (key: string, name: string, make: (weight: Float32Array) => Numbers) => OnnxTensor["data"];
  /** Only standard ONNX operators, for other runtimes. */
  portable?: boolean;
  /**
   * float16: weights and sums in half the bits, for inference on GPUs and for small files; a CPU is slower with it. Fed and
   * answered numbers stay as they are.
   */
  precision?: "float32" | "float16";
  /** 8: products with baked weights of two axes take them as bytes with a scale for each block of at most 128 (not portable). */
  weightBits?: 8;
}

export interface Fed {
  name: string;
  type: ElementType;
  shape: Shape;
}

export interface Lowered {
  bytes: Uint8Array<ArrayBuffer>;
  /** What the caller feeds, by name. */
  inputs: Fed[];
  /** Weights that are fed, by checkpoint name. */
  parameters: Fed[];
  /** Masks that the runner draws for each run. */
  dropMasks: (Fed & { rate: number })[];
  /** Numbers of this trace to feed with each run. */
  constants: (Fed & { data: Numbers })[];
  outputs: Fed[];
  /** Whether it must run in one thread: ONNX Runtime adds many rows at repeated places in several threads without a lock. */
  oneThread: boolean;
}

/**
 * Numbers that ScatterND adds in one thread whatever it was given (`scatter_nd.cc` counts a cycle for each, and threads are
 * shared out from 110,000 cycles on in `threadpool.cc`).
 */
const SERIAL_ADDITIONS = 100_000;

export function lower(outputs: Readonly<Record<string, Tensor>>, options: LowerOptions = {}): Lowered {
  const { lowered, model } = lowerToModel(outputs, options);
  return { ...lowered, bytes: encodeModel(model) };
}

/** The same before it is written as bytes. */
export function lowerToModel(
  outputs: Readonly<Record<string, Tensor>>,
  options: LowerOptions = {},
): { lowered: Omit<Lowered, "bytes">; model: OnnxModel } {
  const { training = false, sizes = "baked", portable = false, precision = "float32", weightBits } = options;
  if (portable && weightBits) throw new InputError("8-bit weights need operators of com.microsoft; leave portable out");
  const half = precision === "float16";
  const inBytes = (tensor: Tensor) =>
    weightBits && tensor.operation === "matmul" && options.baked ? layoutOf(tensor.inputs[1]!) : undefined;
  const asWritten = (tensor: Tensor) =>
    (tensor.operation === "dropout" && !training) || inBytes(tensor) ? tensor.inputs.slice(0, 1) : tensor.inputs;
  const tensors = reachable(Object.values(outputs), asWritten);
  const opset = tensors.reduce((highest, t) => Math.max(highest, sinceOpset[t.operation] ?? 17), 17);
  const lowered: Omit<Lowered, "bytes"> = {
    inputs: [],
    parameters: [],
    dropMasks: [],
    constants: [],
    outputs: [],
    oneThread: tensors.some((t) => is(t, "scatterAddRows") && t.inputs[2]!.count > SERIAL_ADDITIONS),
  };
  const initializers: OnnxTensor[] = [];
  const names = new Map<Tensor, string>();
  const leaves = new Map<string, Tensor>();
  const byteWeights = new Set<string>();
  /** ONNX Runtime takes a shape for an empty one where it knows the rank of what is shaped, but not the length of the shape. */
  const ofOneLength = new Set<string>();

  const derive =
    options.derive ??
    ((_key, name, make) => {
      const weight = options.baked?.(name);
      if (weight instanceof Float32Array) return make(weight);
      throw new InputError(`weight ${name} is not at hand to convert; give its numbers, or put them with storeWeights`);
    });
  const hold = (name: string, value: Tensor, length?: "one length"): string => {
    const { data } = value.attributes as { data: Numbers };
    const halved = half && value.type === "float32";
    const held = halved
      ? { name, type: "float16" as const, shape: value.shape, data: toFloat16(data as Float32Array) }
      : { name, type: value.type, shape: value.shape, data };
    if (sizes === "fed" && (value.rank > 0 || value.type === "int64")) {
      lowered.constants.push(held);
      if (length) ofOneLength.add(name);
    } else initializers.push(held);
    return name;
  };
  /** A float32 value that is fed, as the rest of the graph takes it. */
  const taken = (name: string, type: ElementType): string =>
    half && type === "float32" ? emit.node("Cast", [name], { attributes: { to: elementCodes.float16 } }) : name;
  const bake = (name: string, shape: Shape, data: OnnxTensor["data"]): string => {
    if (half) initializers.push({ name, type: "float16", shape, data: derive(`${name} float16`, name, toFloat16) });
    else initializers.push({ name, type: "float32", shape, data });
    return name;
  };
  const bytesOf = (tensor: Tensor): ByteWeight | undefined => {
    const layout = inBytes(tensor);
    if (!layout) return undefined;
    const { name, inputs, outputs, block } = layout;
    const blocks = Math.ceil(inputs / block);
    const bytes = `${name} 8-bit`;
    const scales = `${name} scales`;
    if (!byteWeights.has(name)) {
      const scaleNumbers = (weight: Float32Array) => {
        const numbers = blockScales(weight, layout);
        return half ? toFloat16(numbers) : numbers;
      };
      initializers.push(
        {
          name: bytes,
          type: "uint8",
          shape: [outputs, blocks, block],
          data: derive(bytes, name, (weight) => blockBytes(weight, layout)),
        },
        {
          name: scales,
          type: half ? "float16" : "float32",
          shape: [outputs * blocks],
          data: derive(`${scales} ${precision}`, name, scaleNumbers),
        },
      );
      byteWeights.add(name);
    }
    return { bytes, scales, layout };
  };
  const emit = new Emitter({ opset, training, portable, half, names, hold, bytesOf });

  const nameLeaf = (tensor: Tensor, index: number): string | undefined => {
    const { type, shape } = tensor;
    if (is(tensor, "input") || is(tensor, "parameter")) {
      const { name } = tensor.attributes;
      const known = leaves.get(name);
      if (known) {
        wantSame(name, known, tensor);
        return names.get(known);
      }
      leaves.set(name, tensor);
      const data = is(tensor, "parameter") ? options.baked?.(name) : undefined;
      if (data) return bake(name, shape, data);
      if (is(tensor, "input")) lowered.inputs.push({ name, type, shape });
      else lowered.parameters.push({ name, type, shape });
      return taken(name, type);
    }
    if (is(tensor, "constant")) return hold(`constant_${index}`, tensor);
    if (is(tensor, "dropMask")) {
      const name = `dropMask_${index}`;
      if (!training) return name;
      lowered.dropMasks.push({ name, type, shape, rate: tensor.attributes.rate });
      return taken(name, type);
    }
    return undefined;
  };

  tensors.forEach((tensor, index) => {
    emit.enter(tensor.scope);
    names.set(
      tensor,
      nameLeaf(tensor, index) ?? (rows[tensor.operation] as Row<typeof tensor.operation>)(emit, tensor),
    );
  });
  emit.enter("");
  const asked: OnnxValue[] = Object.entries(outputs).map(([name, tensor]) => {
    const leaf = leaves.get(name);
    if (leaf) throw new ShapeError("lower", `an output has the name of ${leaf.operation} ${name}`, [leaf.shape], "");
    const node = { name: `output/${name}`, inputs: [emit.value(tensor)], outputs: [name] };
    if (half && tensor.type === "float32")
      emit.nodes.push({ ...node, type: "Cast", attributes: { to: elementCodes.float32 } });
    else emit.nodes.push({ ...node, type: "Identity" });
    lowered.outputs.push({ name, type: tensor.type, shape: tensor.shape });
    return { name, type: tensor.type, ...(sizes === "baked" ? { shape: tensor.shape } : {}) };
  });
  const fed = [...lowered.inputs, ...lowered.dropMasks, ...lowered.constants].map(({ name, type, shape }) => ({
    name,
    type,
    ...(sizes === "baked" || ofOneLength.has(name) ? { shape } : {}),
  }));
  const weights = lowered.parameters.map(({ name, type, shape }) => ({ name, type, shape }));
  const model = { opset, nodes: emit.nodes, inputs: [...fed, ...weights], outputs: asked, initializers };
  return { lowered, model };
}

/** One name, one value: tensors that share it must be of one kind, type and shape. */
function wantSame(name: string, a: Tensor, b: Tensor): void {
  if (a.operation !== b.operation || a.type !== b.type || !sameShape(a.shape, b.shape))
    throw new ShapeError("lower", `${a.operation} and ${b.operation} ${name} differ`, [a.shape, b.shape], b.scope);
}

function is<K extends Tensor["operation"]>(tensor: Tensor, operation: K): tensor is Tensor<K> {
  return tensor.operation === operation;
}
