/** Converts any weights file to one safetensors file. */

import type { StoredArray, StoredDtype } from "./dtype.ts";
import { fromFloat32, toFloat32 } from "./float-conversion.ts";
import { openWeights } from "./open-weights.ts";
import { type Rename, renameWeights } from "./rename.ts";
import { type TensorToWrite, writeSafetensors } from "./write-safetensors.ts";

/** Changes to make in the converted file. */
export interface ConvertOptions {
  /** New names; `undefined` leaves a tensor out. */
  readonly rename?: Rename;
  /** Number type of all float tensors; integers and booleans keep theirs. */
  readonly dtype?: "F32" | "F16" | "BF16";
}

/**
 * Converts a PyTorch checkpoint, or any file that `openWeights` reads, to safetensors. Memory holds one piece of one tensor at a time
 * (64 MiB), or one whole storage where a tensor is not stored row by row, so a file of any size can be converted.
 */
export async function convertToSafetensors(from: string, to: string, options: ConvertOptions = {}): Promise<void> {
  const opened = await openWeights(from);
  try {
    const file = options.rename ? renameWeights(opened, options.rename) : opened;
    const tensors = [...file.entries.values()].map(({ name, dtype, shape }): TensorToWrite => {
      const target = isFloat(dtype) ? (options.dtype ?? dtype) : dtype;
      return { name, dtype: target, shape, data: castPieces(file.readPieces(name), dtype, target) };
    });
    await writeSafetensors(to, tensors, { format: "pt" });
  } finally {
    await opened.close();
  }
}

const isFloat = (dtype: StoredDtype): boolean =>
  dtype === "F64" || dtype === "F32" || dtype === "F16" || dtype === "BF16";

async function* castPieces(
  pieces: AsyncIterable<StoredArray>,
  from: StoredDtype,
  to: StoredDtype,
): AsyncGenerator<StoredArray> {
  for await (const piece of pieces) {
    const same = from === to || (to !== "F32" && to !== "F16" && to !== "BF16");
    yield same ? piece : fromFloat32(to, toFloat32(from, piece));
  }
}
