/** Bytes that are read by position: of a file, or held in memory. */

import { WeightsError } from "../errors.ts";
import type { FileState } from "../files/file-state.ts";

export interface Bytes {
  /** The file's path or address, for messages. */
  readonly path: string;
  readonly size: number;
  /** Bytes from a position, in a new buffer; refuses a range outside the file. */
  read(position: number, length: number): Promise<ArrayBuffer>;
  /** An error about this file. */
  broken(problem: string, cause?: unknown): WeightsError;
  close(): Promise<void>;
  /** The file on disk as it was opened; absent for bytes that are held in memory. */
  readonly state?: FileState;
  /** Bytes from a position of the file on disk, after `close`; refuses a file that has changed. */
  readAgain?(position: number, length: number): ArrayBuffer;
}

/** The bytes of a file that was fetched. */
export class HeldBytes implements Bytes {
  constructor(
    readonly path: string,
    private bytes: ArrayBuffer,
  ) {}

  get size(): number {
    return this.bytes.byteLength;
  }

  async read(position: number, length: number): Promise<ArrayBuffer> {
    checkRange(this, position, length);
    return this.bytes.slice(position, position + length);
  }

  broken(problem: string, cause?: unknown): WeightsError {
    return new WeightsError(`${this.path}: ${problem}`, { cause });
  }

  async close(): Promise<void> {
    this.bytes = new ArrayBuffer(0);
  }
}

/** Throws `WeightsError` for a range that is not within the file. */
export function checkRange(file: Pick<Bytes, "size" | "broken">, position: number, length: number): void {
  const fits = Number.isSafeInteger(position) && Number.isSafeInteger(length) && position >= 0 && length >= 0;
  if (fits && position + length <= file.size) return;
  throw file.broken(
    `is truncated or damaged: bytes ${position} to ${position + length} of ${file.size} are needed; download it again`,
  );
}

/** A value from a file as short text for a message; objects are not inspected. */
export function quote(value: unknown): string {
  if (typeof value === "object" && value !== null) return "a list or dictionary";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
