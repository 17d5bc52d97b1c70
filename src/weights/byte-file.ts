/** Reads a file by position, never past its end. */

import { closeSync, fstatSync, openSync, read, readSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { WeightsError } from "../errors.ts";
import { type FileState, refuseChanged, stateOf } from "../files/file-state.ts";
import { type Bytes, checkRange } from "./bytes.ts";

/** Maximum number of bytes per system call; it refuses 2 GiB. */
const MOST_AT_ONCE = 2 ** 30;
/** Up to this many bytes are read synchronously: passing them to another thread takes longer, tens of times on busy cores. */
const FEW = 2 ** 20;
const readLater = promisify(read);

/** An open file with checked reads; every failure is a `WeightsError` that names the file. */
export class ByteFile implements Bytes {
  private constructor(
    readonly path: string,
    readonly state: FileState,
    /** -1 when closed, so that it never refers to another file. */
    private descriptor: number,
  ) {}

  get size(): number {
    return Number(this.state.size);
  }

  /** Opens a regular file for reading. */
  static async open(path: string): Promise<ByteFile> {
    return ByteFile.openNow(path);
  }

  /** The same, synchronously. */
  static openNow(path: string): ByteFile {
    try {
      // Checked before opening: opening a pipe would wait for its writer.
      if (statSync(path).isFile()) {
        const descriptor = openSync(path, "r");
        return new ByteFile(path, stateOf(resolve(path), fstatSync(descriptor, { bigint: true })), descriptor);
      }
    } catch (error) {
      throw new WeightsError(`${path}: cannot be opened: ${reason(error)}`, { cause: error });
    }
    throw new WeightsError(`${path}: is not a file; name the checkpoint file itself`);
  }

  /** Bytes from a position, in a new buffer; refuses a range outside the file. */
  async read(position: number, length: number): Promise<ArrayBuffer> {
    if (length <= FEW) return this.readNow(position, length).buffer;
    checkRange(this, position, length);
    const bytes = new Uint8Array(length);
    try {
      for (let done = 0; done < length; ) {
        const ask = Math.min(length - done, MOST_AT_ONCE);
        const { bytesRead } = await readLater(this.descriptor, bytes, done, ask, position + done);
        if (bytesRead === 0) throw new Error("it became shorter while it was read");
        done += bytesRead;
      }
    } catch (error) {
      throw this.broken(`cannot be read: ${reason(error)}`, error);
    }
    return bytes.buffer;
  }

  /** The same, synchronously, for the small reads of an unpickler. */
  readNow(position: number, length: number): Uint8Array<ArrayBuffer> {
    checkRange(this, position, length);
    const bytes = new Uint8Array(length);
    try {
      for (let done = 0; done < length; ) {
        const count = readSync(this.descriptor, bytes, done, Math.min(length - done, MOST_AT_ONCE), position + done);
        if (count === 0) throw new Error("it became shorter while it was read");
        done += count;
      }
    } catch (error) {
      throw this.broken(`cannot be read: ${reason(error)}`, error);
    }
    return bytes;
  }

  /** The same after it was closed. Throws InputError if the file has changed since it was opened, WeightsError if it cannot be read. */
  readAgain(position: number, length: number): ArrayBuffer {
    const again = ByteFile.openNow(this.state.path);
    try {
      refuseChanged(this.state, again.state);
      return again.readNow(position, length).buffer;
    } finally {
      again.closeNow();
    }
  }

  /** An error about this file. */
  broken(problem: string, cause?: unknown): WeightsError {
    return new WeightsError(`${this.path}: ${problem}`, { cause });
  }

  async close(): Promise<void> {
    this.closeNow();
  }

  closeNow(): void {
    if (this.descriptor >= 0) closeSync(this.descriptor);
    this.descriptor = -1;
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
