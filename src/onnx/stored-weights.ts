/** Weights in a file that sessions map into memory, so that neither lowering nor preparing a session copies them. */

import { closeSync, fsyncSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import type { Numbers } from "../tensor/index.ts";
import type { LowerOptions } from "./lower.ts";

/** Where an array lies: a file in the folder, and bytes. */
export interface Place {
  file: string;
  offset: number;
  length: number;
}

export interface StoredWeights extends Required<Pick<LowerOptions, "baked" | "derive">> {
  /** For `BackendOptions`. */
  weightsFolder: string;
  /** Deletes the file; to be called when no session is left that was made with it. */
  dispose(): void;
}

/**
 * Writes weights one after another to a file in a private temporary folder. A session made from them holds one copy, the one
 * that ONNX Runtime packs for its products: 226M parameters peak at 1 GB, where weights within the model's bytes take five.
 */
export async function storeWeights(
  weights: Iterable<readonly [name: string, numbers: Float32Array]>,
): Promise<StoredWeights> {
  const weightsFolder = await mkdtemp(join(tmpdir(), "groundling-weights-"));
  const remove = () => rmSync(weightsFolder, { recursive: true, force: true });
  try {
    const file = new NumbersFile(join(weightsFolder, "weights.bin"), "weights.bin");
    for (const [name, numbers] of weights) file.append(name, numbers);
    return {
      weightsFolder,
      baked: (name) => file.places.get(name),
      derive: (key, name, make) => file.places.get(key) ?? file.append(key, make(file.read(name))),
      dispose: () => {
        file.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Arrays in a new file, each from a multiple of a memory page on. */
export class NumbersFile {
  readonly places = new Map<string, Place>();
  private readonly handle: number;
  private end = 0;

  constructor(
    path: string,
    /** What places call the file. */
    private readonly name: string,
  ) {
    this.handle = openSync(path, "wx+");
  }

  append(key: string, numbers: Numbers): Place {
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    const offset = Math.ceil(this.end / PAGE) * PAGE;
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.handle, bytes, done, bytes.length - done, offset + done);
    this.end = offset + bytes.length;
    const place = { file: this.name, offset, length: bytes.length };
    this.places.set(key, place);
    return place;
  }

  read(key: string): Float32Array {
    const place = this.places.get(key);
    if (!place) throw new InputError(`weight ${key} was not stored`);
    const bytes = new Uint8Array(place.length);
    for (let done = 0; done < bytes.length; )
      done += readSync(this.handle, bytes, done, bytes.length - done, place.offset + done);
    return new Float32Array(bytes.buffer);
  }

  sync(): void {
    fsyncSync(this.handle);
  }

  close(): void {
    closeSync(this.handle);
  }
}

const PAGE = 4096;
