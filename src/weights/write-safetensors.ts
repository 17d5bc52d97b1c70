/** Writes safetensors, tensor by tensor, under a temporary name, and renames the file when it is complete. */

import type { FileHandle } from "node:fs/promises";
import { WeightsError } from "../errors.ts";
import { writeWhole } from "../files/write-whole.ts";
import { elementCount, itemSize, type StoredArray, type StoredDtype } from "./dtype.ts";
import { headerOf } from "./safetensors-bytes.ts";

/** A tensor to write: its data, or a sequence of pieces that is read when they are needed. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly data: StoredArray | AsyncIterable<StoredArray>;
}

/**
 * Writes a safetensors file, which gets its name when it is complete. The entries are listed once, then their data are read one tensor at a
 * time, the widest types first so that all are aligned. Throws `WeightsError` if numbers and shape differ.
 */
export async function writeSafetensors(
  path: string,
  entries: Iterable<TensorToWrite> | AsyncIterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const tensors: TensorToWrite[] = [];
  for await (const entry of entries) tensors.push(entry);
  tensors.sort((a, b) => itemSize(b.dtype) - itemSize(a.dtype));
  const header = headerOf(path, tensors, metadata);
  await writeWhole(path, async (handle) => {
    await writeAll(handle, header);
    for (const tensor of tensors) await writeTensor(handle, path, tensor);
  });
}

async function writeTensor(
  handle: FileHandle,
  path: string,
  { name, dtype, shape, data }: TensorToWrite,
): Promise<void> {
  const due = elementCount(shape)! * itemSize(dtype);
  let written = 0;
  for await (const piece of ArrayBuffer.isView(data) ? [data] : data) {
    written += piece.byteLength;
    if (written <= due) await writeAll(handle, piece);
  }
  if (written !== due) {
    throw new WeightsError(`${path}: ${name} has ${written} bytes, but ${dtype} [${shape.join(", ")}] takes ${due}`);
  }
}

async function writeAll(handle: FileHandle, view: ArrayBufferView): Promise<void> {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(bytes.length - done, 2 ** 30));
    done += bytesWritten;
  }
}
