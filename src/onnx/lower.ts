/** From tensors to an ONNX model: what the outputs reach, one row per operation. */

import { ShapeError } from "../errors.ts";
import { type ElementType, type Numbers, reachable, type Shape, sameShape, type Tensor } from "../tensor/index.ts";
import { Emitter } from "./emitter.ts";
import { encodeModel, type OnnxModel, type OnnxTensor, type OnnxValue } from "./proto.ts";
import { type Row, rows, sinceOpset } from "./rows.ts";

export interface LowerOptions {
  /** Whether dropout and drop path act. */
  training?: boolean;
  /** Fed: numbers that depend on picture sizes become inputs, so that traces at other sizes give the same bytes. */
  sizes?: "baked" | "fed";
  /** Parameters baked in as initializers; those it does not know are fed. */
  baked?: (name: string) => OnnxTensor["data"] | undefined;
  /** Only standard ONNX operators, for other runtimes. */
  portable?: boolean;
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
}

export function lower(outputs: Readonly<Record<string, Tensor>>, options: LowerOptions = {}): Lowered {
  const { lowered, model } = lowerToModel(outputs, options);
  return { ...lowered, bytes: encodeModel(model) };
}

/** The same before it is written as bytes. */
export function lowerToModel(
  outputs: Readonly<Record<string, Tensor>>,
  options: LowerOptions = {},
): { lowered: Omit<Lowered, "bytes">; model: OnnxModel } {
  const { training = false, sizes = "baked", portable = false } = options;
  const asWritten = (tensor: Tensor) =>
    tensor.operation === "dropout" && !training ? tensor.inputs.slice(0, 1) : tensor.inputs;
  const tensors = reachable(Object.values(outputs), asWritten);
  const opset = tensors.reduce((highest, t) => Math.max(highest, sinceOpset[t.operation] ?? 17), 17);
  const lowered: Omit<Lowered, "bytes"> = {
    inputs: [],
    parameters: [],
    dropMasks: [],
    constants: [],
    outputs: [],
  };
  const initializers: OnnxTensor[] = [];
  const names = new Map<Tensor, string>();
  const leaves = new Map<string, Tensor>();

  const hold = (name: string, value: Tensor): string => {
    const { data } = value.attributes as { data: Numbers };
    const { type, shape } = value;
    if (sizes === "fed" && (value.rank > 0 || type === "int64")) lowered.constants.push({ name, type, shape, data });
    else initializers.push({ name, type, shape, data });
    return name;
  };
  const emit = new Emitter(opset, training, portable, names, hold);

  const nameLeaf = (tensor: Tensor, index: number): string | undefined => {
    const { type, shape } = tensor;
    if (is(tensor, "input") || is(tensor, "parameter")) {
      const { name } = tensor.attributes;
      const known = leaves.get(name);
      leaves.set(name, tensor);
      if (known) wantSame(name, known, tensor);
      else if (is(tensor, "input")) lowered.inputs.push({ name, type, shape });
      else {
        const data = options.baked?.(name);
        if (data) initializers.push({ name, type, shape, data });
        else lowered.parameters.push({ name, type, shape });
      }
      return name;
    }
    if (is(tensor, "constant")) return hold(`constant_${index}`, tensor);
    if (is(tensor, "dropMask")) {
      const name = `dropMask_${index}`;
      if (training) lowered.dropMasks.push({ name, type, shape, rate: tensor.attributes.rate });
      return name;
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
    emit.nodes.push({ name: `output/${name}`, type: "Identity", inputs: [emit.value(tensor)], outputs: [name] });
    lowered.outputs.push({ name, type: tensor.type, shape: tensor.shape });
    return { name, type: tensor.type, ...(sizes === "baked" ? { shape: tensor.shape } : {}) };
  });
  const fed = [...lowered.inputs, ...lowered.dropMasks, ...lowered.constants].map(({ name, type, shape }) => ({
    name,
    type,
    ...(sizes === "baked" ? { shape } : {}),
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
