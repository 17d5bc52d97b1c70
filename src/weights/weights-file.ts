/** A file of named tensors, read tensor by tensor. */

import { WeightsError } from "../errors.ts";
import type { NumbersInFile } from "../onnx/stored-weights.ts";
import { type Bytes, quote } from "./bytes.ts";
import { asStoredArray, elementCount, itemSize, type StoredArray, type StoredDtype } from "./dtype.ts";
import { toFloat32 } from "./float-conversion.ts";
import { gatherStrided, isRowMajor } from "./strides.ts";

/** Description of a tensor. */
export interface WeightsEntry {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** Bytes of its numbers, laid out row by row. */
  readonly bytes: number;
}

/** An open file of weights, whatever its format. Close it after use, or open it by `await using`. */
export interface WeightsFile extends AsyncDisposable {
  readonly path: string;
  /** The tensors by name, in the file's order. */
  readonly entries: ReadonlyMap<string, WeightsEntry>;
  /** The names of its tensors, in the file's order. */
  readonly names: readonly string[];
  /** Metadata of a safetensors file; empty in other formats. */
  readonly metadata: ReadonlyMap<string, string>;
  /** One tensor, row by row, in its own number type; throws `WeightsError` if the name is unknown or the data damaged. */
  read(name: string): Promise<StoredArray>;
  /** One tensor converted to float32, as PyTorch's `.float()` would. */
  readFloat32(name: string): Promise<Float32Array>;
  /**
   * The place of a tensor's numbers for sessions, which map it; undefined if they must be read first.
   * @internal
   */
  inFile(name: string): NumbersInFile | undefined;
  /** One tensor in consecutive pieces of at most `PIECE_BYTES`; one piece if it is not stored row by row. */
  readPieces(name: string): AsyncIterable<StoredArray>;
  /** Closes the file. */
  close(): Promise<void>;
}

/** Location of a tensor's data. */
export interface StoredTensor {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** Elements between neighbours along each axis; default: row by row. */
  readonly strides?: readonly number[];
  /** Number of elements in the storage before the tensor's first. */
  readonly offset: number;
  readonly storage: ByteRange;
}

/** A range of bytes in a file, which several tensors may share. */
export interface ByteRange {
  readonly file: Bytes;
  readonly start: number;
  readonly length: number;
  /** Checked when the whole range is read. */
  readonly checksum?: Checksum;
}

export interface Checksum {
  readonly expected: number;
  /** The checksum of bytes that follow others with the given checksum. */
  of(bytes: Uint8Array, before?: number): number;
}

/** Size in bytes of the pieces of a large tensor. */
export const PIECE_BYTES = 2 ** 26;

/** Tensors located in one or more open files. */
export class LocatedWeights implements WeightsFile {
  readonly entries: ReadonlyMap<string, WeightsEntry>;

  constructor(
    readonly path: string,
    private readonly tensors: ReadonlyMap<string, StoredTensor>,
    private readonly files: readonly Bytes[],
    readonly metadata: ReadonlyMap<string, string> = new Map(),
  ) {
    this.entries = new Map([...tensors].map(([name, tensor]) => [name, entryOf(name, tensor)]));
  }

  get names(): readonly string[] {
    return [...this.entries.keys()];
  }

  async read(name: string): Promise<StoredArray> {
    const { dtype, shape, strides, offset, storage } = this.find(name);
    const size = itemSize(dtype);
    const count = elementCount(shape)!;
    if (isRowMajor(shape, strides))
      return asStoredArray(dtype, await this.readRange(name, offset * size, count * size));
    const whole = asStoredArray(dtype, await this.readRange(name, 0, storage.length));
    return asStoredArray(dtype, gatherStrided(whole, offset, shape, strides!));
  }

  async readFloat32(name: string): Promise<Float32Array> {
    return toFloat32(this.find(name).dtype, await this.read(name));
  }

  inFile(name: string): NumbersInFile | undefined {
    const { dtype, shape, strides, offset, storage } = this.find(name);
    const from = storage.file;
    const { state: file } = from;
    const type = mappedTypes.get(dtype);
    const start = storage.start + offset * itemSize(dtype);
    const length = elementCount(shape)! * itemSize(dtype);
    // Those of a storage with a checksum are checked as they are read.
    if (!file || !type || storage.checksum || !isRowMajor(shape, strides)) return undefined;
    if (length === 0 || start % itemSize(dtype) !== 0) return undefined;
    const read = () => toFloat32(dtype, asStoredArray(dtype, from.readAgain!(start, length)));
    return { file, offset: start, length, type, read };
  }

  async *readPieces(name: string): AsyncGenerator<StoredArray> {
    const { dtype, shape, strides, offset, storage } = this.find(name);
    const { bytes } = this.entries.get(name)!;
    if (bytes <= PIECE_BYTES || !isRowMajor(shape, strides)) {
      yield await this.read(name);
      return;
    }
    let sum = 0;
    for (let done = 0; done < bytes; done += PIECE_BYTES) {
      const from = storage.start + offset * itemSize(dtype) + done;
      const piece = await storage.file.read(from, Math.min(PIECE_BYTES, bytes - done));
      if (storage.checksum) sum = storage.checksum.of(new Uint8Array(piece), sum);
      yield asStoredArray(dtype, piece);
    }
    if (bytes === storage.length) checkSum(name, storage, sum);
  }

  async close(): Promise<void> {
    await Promise.all(this.files.map((file) => file.close()));
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private find(name: string): StoredTensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new WeightsError(`${this.path}: holds no tensor named ${quote(name)}`);
    return tensor;
  }

  private async readRange(name: string, from: number, length: number): Promise<ArrayBuffer> {
    const { storage } = this.find(name);
    const bytes = await storage.file.read(storage.start + from, length);
    if (storage.checksum && length === storage.length)
      checkSum(name, storage, storage.checksum.of(new Uint8Array(bytes)));
    return bytes;
  }
}

/** The number types that sessions take from a file. */
const mappedTypes = new Map<StoredDtype, NumbersInFile["type"]>([
  ["F32", "float32"],
  ["F16", "float16"],
]);

function checkSum(name: string, { file, checksum }: ByteRange, sum: number): void {
  if (!checksum || checksum.expected === sum) return;
  throw file.broken(`the data of ${quote(name)} is damaged (checksum mismatch); download it again`);
}

function entryOf(name: string, { dtype, shape }: StoredTensor): WeightsEntry {
  return { name, dtype, shape, bytes: elementCount(shape)! * itemSize(dtype) };
}
