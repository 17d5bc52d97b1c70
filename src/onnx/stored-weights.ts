/** Weights in a file that sessions map into memory, so that no copies are made when lowering or compiling. */

import { closeSync, fsyncSync, mkdtempSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, parse, relative, sep } from "node:path";
import { InputError } from "../errors.ts";
import { openNewNow } from "../files/write-whole.ts";
import type { Numbers } from "../tensor/index.ts";
import { deleteLeftoverWeights, prefixOf } from "./leftover-weights.ts";
import type { LowerOptions } from "./lower.ts";

export type NamedNumbers = readonly [name: string, numbers: Float32Array];

/** Where an array lies: a file in the folder, and bytes. */
export interface Place {
  file: string;
  offset: number;
  length: number;
}

export interface StoredWeights extends Required<Pick<LowerOptions, "baked" | "derive">> {
  /** For `BackendOptions`. */
  weightsFolder: string;
  /** Deletes the file; to be called when no session is left that was made with it. The end of the process does it, too. */
  dispose(): void;
}

/** What deletes each file of this process; one listener deletes those that are left at its end. */
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
 * Makes weights ready to be mapped: numbers are written to a file in a private temporary folder, one after another. A session made from them holds one copy, the one that ONNX Runtime packs for its
 * products: 232M parameters peak at 1.2 GB, where weights within the model's bytes take five.
 * Throws InputError where the folder of temporary files is missing or full.
 */
export async function storeWeights(
  weights: Iterable<NamedNumbers> | AsyncIterable<NamedNumbers>,
): Promise<StoredWeights> {
  const folder = storing(() => {
    deleteLeftoverWeights();
    return mkdtempSync(join(tmpdir(), prefixOf(process.pid)));
  });
  // Seen from the root, so that the bytes of models whose weights lie in different files differ.
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

/** Does something that writes into the folder of temporary files; an InputError that names it where the system refuses. */
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

/** Arrays in a new file, each from a multiple of a memory page on. */
export class NumbersFile {
  readonly places = new Map<string, Place>();
  private readonly handle: number;
  private closed = false;
  private end = 0;

  constructor(
    path: string,
    /** What places call the file. */
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
