/** Weights in a file that sessions map into memory, so that neither lowering nor preparing a session copies them. */

import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OnnxTensor } from "./proto.ts";

export interface StoredWeights {
  /** For `LowerOptions`: where a weight lies. */
  baked: (name: string) => OnnxTensor["data"] | undefined;
  /** For `BackendOptions`. */
  weightsFolder: string;
  /** Deletes the file; to be called when no session is left that was made with it. */
  dispose(): Promise<void>;
}

/**
 * Writes weights one after another to a file in a private temporary folder. A session made from them holds one copy, the one
 * that ONNX Runtime packs for its products: 231M parameters peak at about 1 GB, where weights within the model take five.
 */
export async function storeWeights(
  weights: Iterable<readonly [name: string, numbers: Float32Array]>,
): Promise<StoredWeights> {
  const weightsFolder = await mkdtemp(join(tmpdir(), "groundling-weights-"));
  try {
    const places = await writeNumbers(join(weightsFolder, "weights.bin"), "weights.bin", weights);
    return {
      baked: (name) => places.get(name),
      weightsFolder,
      dispose: () => rm(weightsFolder, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(weightsFolder, { recursive: true, force: true });
    throw error;
  }
}

/** Writes arrays to a new file, each from a multiple of a memory page on, and answers their places in it by `file`. */
export async function writeNumbers(
  path: string,
  file: string,
  arrays: Iterable<readonly [name: string, numbers: Float32Array]>,
): Promise<Map<string, { file: string; offset: number; length: number }>> {
  const places = new Map<string, { file: string; offset: number; length: number }>();
  const handle = await open(path, "wx");
  try {
    let offset = 0;
    for (const [name, numbers] of arrays) {
      const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
      for (let done = 0; done < bytes.length; )
        done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      places.set(name, { file, offset, length: bytes.length });
      offset = Math.ceil((offset + bytes.length) / PAGE) * PAGE;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return places;
}

const PAGE = 4096;
