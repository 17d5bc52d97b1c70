/** Reads a part of a file from start to end, through a small buffer. */

import type { ByteFile } from "./byte-file.ts";

const BUFFER_BYTES = 2 ** 16;

/** A cursor over the bytes of a file between two positions; reading past the end throws a `WeightsError`. */
export class ByteReader {
  private buffer = Buffer.alloc(0);
  private cursor = 0;
  private next: number;

  constructor(
    readonly file: ByteFile,
    start: number,
    private readonly end: number,
  ) {
    this.next = start;
  }

  /** Position in the file of the next byte. */
  get position(): number {
    return this.next - this.buffer.length + this.cursor;
  }

  /** The next bytes. The reader may reuse the buffer: copy bytes that you keep. */
  take(length: number): Buffer {
    if (this.cursor + length > this.buffer.length) this.refill(length);
    this.cursor += length;
    return this.buffer.subarray(this.cursor - length, this.cursor);
  }

  /** The next byte. */
  byte(): number {
    if (this.cursor === this.buffer.length) this.refill(1);
    return this.buffer[this.cursor++]!;
  }

  /** The next characters up to a line feed, without it. */
  line(longest: number): string {
    let text = "";
    for (let byte = this.byte(); byte !== 10; byte = this.byte()) {
      if (text.length === longest) throw this.file.broken(`holds a name longer than ${longest} characters`);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  private refill(length: number): void {
    const start = this.position;
    if (!(length >= 0 && start + length <= this.end)) {
      throw this.file.broken(`is truncated or damaged: it ends at byte ${this.end}, within a value; download it again`);
    }
    const bytes = this.file.readNow(start, Math.max(length, Math.min(BUFFER_BYTES, this.end - start)));
    this.buffer = Buffer.from(bytes.buffer as ArrayBuffer);
    this.cursor = 0;
    this.next = start + bytes.length;
  }
}
