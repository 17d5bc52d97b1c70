/** ONNX models as bytes: the few messages of onnx.proto (onnx.ai, IR version 8) that lowering writes. */

import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { InputError } from "../errors.ts";
import type { ElementType, Numbers, Shape } from "../tensor/index.ts";

/** The value of a node's attribute. */
export type AttributeValue = number | string | readonly number[] | { float: number };

/** An operation of ONNX with its operands by name. */
export interface OnnxNode {
  name: string;
  type: string;
  domain?: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes?: Readonly<Record<string, AttributeValue>>;
}

/** Where numbers lie: a file in the folder of weights, and bytes. */
export interface NumbersPlace {
  file: string;
  offset: number;
  length: number;
}

/** A constant of an ONNX model. */
export interface OnnxTensor {
  name: string;
  type: ElementType;
  shape: Shape;
  /** The numbers themselves, or where they lie in a file beside the model. */
  data: Numbers | NumbersPlace;
}

/** An input or output of an ONNX model. */
export interface OnnxValue {
  name: string;
  type: ElementType;
  /** Absent: any shape. */
  shape?: Shape;
}

/** An ONNX model before it is written as bytes. */
export interface OnnxModel {
  opset: number;
  nodes: readonly OnnxNode[];
  inputs: readonly OnnxValue[];
  outputs: readonly OnnxValue[];
  initializers: readonly OnnxTensor[];
}

/** ONNX's numbers for element types. */
export const elementCodes: Record<ElementType, number> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};

/** Protobuf's readers refuse larger models. */
const MOST_BYTES = 2 ** 31 - 1;

export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const pieces = modelPieces(model);
  const bytes = new Uint8Array(totalLength(pieces));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The model's bytes in pieces; the large pieces are the initializers' own arrays. */
export function modelPieces(model: OnnxModel): Uint8Array[] {
  const graph = new BinaryWriter();
  for (const node of model.nodes) message(graph, 1, (inner) => writeNode(inner, node));
  text(graph, 2, "groundling");
  for (const value of model.inputs) message(graph, 11, (inner) => writeValue(inner, value));
  for (const value of model.outputs) message(graph, 12, (inner) => writeValue(inner, value));
  const graphPieces = [graph.finish(), ...model.initializers.flatMap(tensorPieces)];
  const length = totalLength(graphPieces);
  if (length > MOST_BYTES)
    throw new InputError(
      `a model of ${length} bytes exceeds ONNX's limit of ${MOST_BYTES}; store its weights in a file`,
    );

  const head = new BinaryWriter();
  head.tag(1, WireType.Varint).int64(8);
  text(head, 2, "groundling");
  const domains = new Set(model.nodes.map((node) => node.domain ?? "")).add("");
  for (const domain of [...domains].sort())
    message(head, 8, (set) => {
      text(set, 1, domain);
      set.tag(2, WireType.Varint).int64(domain === "" ? model.opset : 1);
    });
  return [head.tag(7, WireType.LengthDelimited).uint32(length).finish(), ...graphPieces];
}

/** An initializer as a field of the graph: its description, then its numbers without a copy. */
function tensorPieces(tensor: OnnxTensor): Uint8Array[] {
  const { data } = tensor;
  const numbers = "file" in data ? [] : [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
  const writer = new BinaryWriter();
  writeTensor(writer, tensor);
  const description = writer.finish();
  const length = totalLength([description, ...numbers]);
  return [new BinaryWriter().tag(5, WireType.LengthDelimited).uint32(length).finish(), description, ...numbers];
}

function totalLength(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

function writeNode(writer: BinaryWriter, node: OnnxNode): void {
  for (const name of node.inputs) text(writer, 1, name);
  for (const name of node.outputs) text(writer, 2, name);
  text(writer, 3, node.name);
  text(writer, 4, node.type);
  for (const [name, value] of Object.entries(node.attributes ?? {}))
    message(writer, 5, (inner) => writeAttribute(inner, name, value));
  if (node.domain) text(writer, 7, node.domain);
}

function writeAttribute(writer: BinaryWriter, name: string, value: AttributeValue): void {
  text(writer, 1, name);
  if (typeof value === "number") writer.tag(3, WireType.Varint).int64(value).tag(20, WireType.Varint).int32(2);
  else if (typeof value === "string") {
    text(writer, 4, value);
    writer.tag(20, WireType.Varint).int32(3);
  } else if ("float" in value) writer.tag(2, WireType.Bit32).float(value.float).tag(20, WireType.Varint).int32(1);
  else {
    for (const whole of value) writer.tag(8, WireType.Varint).int64(whole);
    writer.tag(20, WireType.Varint).int32(7);
  }
}

/** An initializer without its numbers, which must follow unless they are in a file. */
function writeTensor(writer: BinaryWriter, tensor: OnnxTensor): void {
  for (const size of tensor.shape) writer.tag(1, WireType.Varint).int64(size);
  writer.tag(2, WireType.Varint).int32(elementCodes[tensor.type]);
  text(writer, 8, tensor.name);
  const { data } = tensor;
  if ("file" in data) {
    const places = { location: data.file, offset: String(data.offset), length: String(data.length) };
    for (const [key, value] of Object.entries(places))
      message(writer, 13, (entry) => {
        text(entry, 1, key);
        text(entry, 2, value);
      });
    writer.tag(14, WireType.Varint).int32(1);
  } else writer.tag(9, WireType.LengthDelimited).uint32(data.byteLength);
}

function writeValue(writer: BinaryWriter, value: OnnxValue): void {
  text(writer, 1, value.name);
  message(writer, 2, (type) =>
    message(type, 1, (tensor) => {
      tensor.tag(1, WireType.Varint).int32(elementCodes[value.type]);
      const { shape } = value;
      if (shape)
        message(tensor, 2, (sizes) => {
          for (const size of shape) message(sizes, 1, (dimension) => dimension.tag(1, WireType.Varint).int64(size));
        });
    }),
  );
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function message(writer: BinaryWriter, field: number, write: (inner: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}
