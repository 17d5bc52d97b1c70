/** Writes safetensors to memory. */

import { WeightsError } from "../errors.ts";
import { elementCount, itemSize, type StoredArray, type StoredDtype } from "./dtype.ts";

/** A tensor and its numbers. */
export interface HeldTensor {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly data: StoredArray;
}

/** The bytes of a safetensors file. Throws `WeightsError` if numbers and shape differ. */
export function safetensorsBytes(
  tensors: readonly HeldTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header = headerOf("safetensors", tensors, metadata);
  const all = new Uint8Array(tensors.reduce((sum, { data }) => sum + data.byteLength, header.length));
  all.set(header);
  let at = header.length;
  for (const { name, dtype, shape, data } of tensors) {
    if (data.byteLength !== elementCount(shape)! * itemSize(dtype))
      throw new WeightsError(`${name} has ${data.byteLength} bytes, which are not ${dtype} [${shape.join(", ")}]`);
    all.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return all;
}

/** The header of a safetensors file with its length; the tensors' data follow in the order given. `path` is the file in errors. */
export function headerOf(
  path: string,
  tensors: readonly Omit<HeldTensor, "data">[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const members = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) members.set("__metadata__", metadata);
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    const count = elementCount(shape);
    if (count === undefined)
      throw new WeightsError(`${path}: ${name} cannot be written in the shape [${shape.join(", ")}]`);
    if (members.has(name) || name === "__metadata__")
      throw new WeightsError(`${path}: two tensors have the name ${name}`);
    const start = end;
    end += count * itemSize(dtype);
    members.set(name, { dtype, shape, data_offsets: [start, end] });
  }
  const json = `{${[...members].map(([name, member]) => `${JSON.stringify(name)}:${JSON.stringify(member)}`).join(",")}}`;
  const text = new TextEncoder().encode(json);
  const padded = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
  padded.set(text, 8);
  return padded;
}
