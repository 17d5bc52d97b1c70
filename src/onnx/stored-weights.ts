/** Stores weights in a file that sessions map into memory, so that lowering and compiling make no copies. */

import { closeSync, fsyncSync, mkdtempSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, parse, relative, sep } from "node:path";
import { InputError } from "../errors.ts";
import { deleteLeftoverFolders, temporarySuffix } from "../files/temporary-folders.ts";
import { openNewNow } from "../files/write-whole.ts";
import type { Numbers } from "../tensor/index.ts";
import type { LowerOptions } from "./lower.ts";

export type NamedNumbers = readonly [name: string, numbers: Float32Array];

/** Position of an array: a file in the folder, and a range of bytes. */
export interface Place {
  file: string;
  offset: number;
  length: number;
}

export interface StoredWeights extends Required<Pick<LowerOptions, "baked" | "derive">> {
  /** For `BackendOptions`. */
  weightsFolder: string;
  /** Deletes the file; call it when no session made with it is left. The end of the process also deletes it. */
  dispose(): void;
}

/** The start of the names of folders of weights. */
const STEM = "groundling-weights";

/** The functions that delete the files of this process; one listener calls the rest at exit. */
const stored = new Set<() => void>();
const disposeAll = () => {
  for (const dispose of stored) dispose();
};

function disposeAtExit(dispose: () => void): void {
  if (stored.size === 0) process.once("exit", disposeAll);
  stored.add(dispose);
}

function keepNoMore(dispose: () => void): void {
  stored.delete(dispose);
  if (stored.size === 0) process.off("exit", disposeAll);
}

/**
 * Writes weights, one after another, to a file in a private temporary folder, from which sessions map them. A session made from them holds
 * one copy, which ONNX Runtime packs for its products: 232M parameters have a peak of 1.2 GB, with weights inside the model's bytes five.
 * Throws InputError if the folder of temporary files is missing or full.
 */
export async function storeWeights(
  weights: Iterable<NamedNumbers> | AsyncIterable<NamedNumbers>,
): Promise<StoredWeights> {
  const folder = storing(() => {
    deleteLeftoverFolders(tmpdir(), STEM);
    return mkdtempSync(join(tmpdir(), `${STEM}${temporarySuffix()}`));
  });
  // Relative to the root, so that models with weights in different files have different bytes.
  const { root } = parse(folder);
  const path = join(folder, "weights.bin");
  let file: NumbersFile | undefined;
  const dispose = () => {
    file?.close();
    rmSync(folder, { recursive: true, force: true });
    keepNoMore(dispose);
  };
  disposeAtExit(dispose);
  try {
    const numbersFile = new NumbersFile(path, relative(root, path).split(sep).join("/"));
    file = numbersFile;
    const { places } = numbersFile;
    for await (const [name, numbers] of weights) storing(() => numbersFile.append(name, numbers));
    return {
      weightsFolder: root,
      baked: (name) => places.get(name),
      derive: (key, name, make) =>
        places.get(key) ?? storing(() => numbersFile.append(key, make(numbersFile.read(name)))),
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Runs work that writes to the folder of temporary files. If the system refuses, throws an InputError that names the folder. */
function storing<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error && "code" in error)) throw error;
    throw new InputError(
      `${tmpdir()}: the model's weights cannot be written into this folder of temporary files (${error.code}); free some space in it, or set TMPDIR to another`,
      { cause: error },
    );
  }
}

function readNumbers(handle: number, offset: number, length: number): Float32Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const read = readSync(handle, bytes, done, length - done, offset + done);
    if (read === 0) throw new InputError("a file of weights became shorter while it was read");
    done += read;
  }
  return new Float32Array(bytes.buffer);
}

/** A new file of arrays, each aligned to a memory page. */
export class NumbersFile {
  readonly places = new Map<string, Place>();
  private readonly handle: number;
  private closed = false;
  private end = 0;

  constructor(
    path: string,
    /** The name of the file in positions. */
    private readonly name: string,
  ) {
    this.handle = openNewNow(path);
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
    return readNumbers(this.handle, place.offset, place.length);
  }

  sync(): void {
    fsyncSync(this.handle);
  }

  close(): void {
    if (!this.closed) closeSync(this.handle);
    this.closed = true;
  }
}

const PAGE = 4096;
