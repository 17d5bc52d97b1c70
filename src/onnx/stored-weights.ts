/** Weights in files that sessions map into memory, so that no copies are made when lowering or compiling. */

import { closeSync, fsyncSync, mkdtempSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, parse, relative, sep } from "node:path";
import { InputError } from "../errors.ts";
import type { FileState } from "../files/file-state.ts";
import { deleteLeftoverFolders, temporarySuffix } from "../files/temporary-folders.ts";
import { openNewNow } from "../files/write-whole.ts";
import type { Numbers } from "../tensor/index.ts";
import type { LowerOptions } from "./lower.ts";
import type { NumbersPlace } from "./proto.ts";

/** Numbers that lie in a file which is mapped as it is: little-endian, row by row. */
export interface NumbersInFile {
  readonly file: FileState;
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  readonly type: "float32" | "float16";
  /** Reads them. Throws InputError where the file has changed. */
  read(): Float32Array;
}

export type NamedNumbers = readonly [name: string, numbers: Float32Array | NumbersInFile];

export interface StoredWeights extends Required<Pick<LowerOptions, "baked" | "derive">> {
  /** For `BackendOptions`. */
  weightsFolder: string;
  /** For `BackendOptions`. */
  weightsFiles: readonly FileState[];
  /** Deletes the temporary file; to be called when no session is left that was made with it. The end of the process does it, too. */
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
 * Makes weights ready to be mapped. What lies in a file already stays there; other numbers, and those derived later, are written to a file in
 * a private temporary folder, one after another. A session made from them holds one copy, the one that ONNX Runtime packs for its products:
 * 232M parameters peak at 1.2 GB, where weights within the model's bytes take five. Weights of few numbers may be `inside` these bytes, which
 * spares ONNX Runtime a mapping and a conversion of each.
 *
 * If the file of a user changes: one that was replaced by another of its name (as our own writers do) or removed stays mapped as it was, in
 * sessions made before; a new session is refused (`refuseChanged`). One that is written in place changes what a session has not packed, and
 * one that is cut short ends the process at the next access (SIGBUS), as with all programs that map files. Windows refuses such writes.
 *
 * Throws InputError where the folder of temporary files is missing or full.
 */
export async function storeWeights(
  weights: Iterable<NamedNumbers> | AsyncIterable<NamedNumbers>,
  inside: ReadonlyMap<string, Float32Array> = new Map(),
): Promise<StoredWeights> {
  const own = new TemporaryNumbers();
  const found = new Map<string, NumbersInFile>();
  const files = new Map<string, FileState>();
  try {
    for await (const [name, numbers] of weights)
      if (numbers instanceof Float32Array) own.append(name, numbers);
      else if (parse(numbers.file.path).root !== own.root) own.append(name, numbers.read());
      else {
        found.set(name, numbers);
        files.set(numbers.file.path, numbers.file);
      }
  } catch (error) {
    own.dispose();
    throw error;
  }
  return {
    weightsFolder: own.root,
    weightsFiles: [...files.values()],
    baked: (name) => {
      const numbers = found.get(name);
      return inside.get(name) ?? (numbers ? placeOf(numbers, own.root) : own.place(name));
    },
    derive: (key, name, make) => {
      const few = inside.get(name);
      if (few) return make(few);
      return own.place(key) ?? own.append(key, make(found.get(name)?.read() ?? own.read(name)));
    },
    dispose: () => own.dispose(),
  };
}

function placeOf({ file, offset, length, type }: NumbersInFile, root: string) {
  return { file: below(root, file.path), offset, length, ...(type === "float16" ? { type } : {}) };
}

/** A path as ONNX names it: from the root, so that the bytes of models whose weights lie in different files differ. */
function below(root: string, path: string): string {
  return relative(root, path).split(sep).join("/");
}

/** Numbers in a file of a private temporary folder, which is made for the first of them. */
class TemporaryNumbers {
  readonly root = parse(tmpdir()).root;
  private made: { folder: string; file: NumbersFile } | undefined;

  place(key: string): NumbersPlace | undefined {
    return this.made?.file.places.get(key);
  }

  append(key: string, numbers: Numbers): NumbersPlace {
    return storing(() => {
      this.made ??= this.make();
      return this.made.file.append(key, numbers);
    });
  }

  read(key: string): Float32Array {
    if (!this.made) throw new InputError(`weight ${key} was not stored`);
    return this.made.file.read(key);
  }

  readonly dispose = (): void => {
    this.made?.file.close();
    if (this.made) rmSync(this.made.folder, { recursive: true, force: true });
    keepNoMore(this.dispose);
  };

  private make() {
    deleteLeftoverFolders(tmpdir(), STEM);
    const folder = mkdtempSync(join(tmpdir(), `${STEM}${temporarySuffix()}`));
    const path = join(folder, "weights.bin");
    try {
      const file = new NumbersFile(path, below(this.root, path));
      disposeAtExit(this.dispose);
      return { folder, file };
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
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
  readonly places = new Map<string, NumbersPlace>();
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

  append(key: string, numbers: Numbers): NumbersPlace {
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
