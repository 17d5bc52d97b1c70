/** From tensors to an ONNX model: what the outputs reach, one row per operation. */

import { type ElementType, type Numbers, reachable, type Shape, type Tensor } from "../tensor/index.ts";
import { Emitter } from "./emitter.ts";
import { encodeModel, type OnnxTensor, type OnnxValue } from "./proto.ts";
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
  const { training = false, sizes = "baked", portable = false } = options;
  const asWritten = (tensor: Tensor) =>
    tensor.operation === "dropout" && !training ? tensor.inputs.slice(0, 1) : tensor.inputs;
  const tensors = reachable(Object.values(outputs), asWritten);
  const opset = tensors.reduce((highest, t) => Math.max(highest, sinceOpset[t.operation] ?? 17), 17);
  const lowered: Lowered = {
    bytes: new Uint8Array(),
    inputs: [],
    parameters: [],
    dropMasks: [],
    constants: [],
    outputs: [],
  };
  const initializers: OnnxTensor[] = [];
  const names = new Map<Tensor, string>();
  const byName = new Map<string, string>();

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
    if (is(tensor, "input")) {
      const { name } = tensor.attributes;
      if (!byName.has(`input ${name}`)) lowered.inputs.push({ name, type, shape });
      return byName.set(`input ${name}`, name).get(`input ${name}`);
    }
    if (is(tensor, "parameter")) {
      const { name } = tensor.attributes;
      const known = byName.get(name);
      if (known) return known;
      const data = options.baked?.(name);
      if (data) initializers.push({ name, type, shape, data });
      else lowered.parameters.push({ name, type, shape });
      return byName.set(name, name).get(name);
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
  lowered.bytes = encodeModel({ opset, nodes: emit.nodes, inputs: [...fed, ...weights], outputs: asked, initializers });
  return lowered;
}

function is<K extends Tensor["operation"]>(tensor: Tensor, operation: K): tensor is Tensor<K> {
  return tensor.operation === operation;
}
