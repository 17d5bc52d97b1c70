/** Weights in a file that sessions map into memory, so that neither lowering nor preparing a session copies them. */

import { closeSync, fsyncSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, parse, relative, resolve, sep } from "node:path";
import { InputError } from "../errors.ts";
import { openNewNow } from "../files/write-whole.ts";
import type { Numbers } from "../tensor/index.ts";
import type { LowerOptions } from "./lower.ts";
import { prefixOf, sweepWeights } from "./sweep-weights.ts";

/** float32 numbers that lie in a file already. */
export interface FileRange {
  path: string;
  /** In bytes, a multiple of four. */
  offset: number;
  /** In bytes. */
  length: number;
}

export type NamedNumbers = readonly [name: string, numbers: Float32Array | FileRange];

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
 * Makes weights ready to be mapped: numbers are written to a file in a private temporary folder, one after another, and files
 * that hold numbers already are named. A session made from them holds one copy, the one that ONNX Runtime packs for its
 * products: 232M parameters peak at 1.2 GB, where weights within the model's bytes take five.
 * Throws InputError where the folder of temporary files is missing or full.
 */
export async function storeWeights(
  weights: Iterable<NamedNumbers> | AsyncIterable<NamedNumbers>,
): Promise<StoredWeights> {
  const folder = storing(() => {
    sweepWeights();
    return mkdtempSync(join(tmpdir(), prefixOf(process.pid)));
  });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // ONNX Runtime takes files within one folder alone, so that is the one around all.
  const { root } = parse(folder);
  const nameOf = (path: string) => relative(root, path).split(sep).join("/");
  try {
    const path = join(folder, "weights.bin");
    const file = new NumbersFile(path, nameOf(path));
    const ranges = new Map<string, FileRange>();
    for await (const [name, numbers] of weights) {
      if (numbers instanceof Float32Array) storing(() => file.append(name, numbers));
      else if (parse(resolve(numbers.path)).root !== root) storing(() => file.append(name, readRange(numbers)));
      else {
        const { offset, length } = numbers;
        file.places.set(name, { file: nameOf(resolve(numbers.path)), offset, length });
        ranges.set(name, numbers);
      }
    }
    return {
      weightsFolder: root,
      baked: (name) => file.places.get(name),
      derive: (key, name, make) => {
        const range = ranges.get(name);
        const derived = () => make(range ? readRange(range) : file.read(name));
        return file.places.get(key) ?? storing(() => file.append(key, derived()));
      },
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

function readRange({ path, offset, length }: FileRange): Float32Array {
  const handle = openSync(path, "r");
  try {
    return readNumbers(handle, offset, length);
  } finally {
    closeSync(handle);
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
