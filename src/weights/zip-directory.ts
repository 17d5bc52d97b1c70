/** Finds the members of a zip file and the positions of their bytes, to read them without unpacking. */

import { crc32 } from "node:zlib";
import yauzl from "yauzl";
import type { ByteFile } from "./byte-file.ts";
import { quote } from "./bytes.ts";
import type { ByteRange } from "./weights-file.ts";

/** A member, as described in the zip file's directory. */
interface ZipMember {
  readonly name: string;
  readonly header: number;
  readonly length: number;
  readonly checksum: number;
  readonly stored: boolean;
}

/** The directory of a zip file, by member name. */
export class ZipDirectory {
  private constructor(
    private readonly file: ByteFile,
    private readonly members: ReadonlyMap<string, ZipMember>,
  ) {}

  /** Reads the directory. Throws `WeightsError` if it is damaged or lists a member twice. */
  static async read(file: ByteFile): Promise<ZipDirectory> {
    const members = new Map<string, ZipMember>();
    for (const entry of await readEntries(file)) {
      if (members.has(entry.fileName)) throw file.broken(`holds two members named ${quote(entry.fileName)}`);
      members.set(entry.fileName, {
        name: entry.fileName,
        header: entry.relativeOffsetOfLocalHeader,
        length: entry.uncompressedSize,
        checksum: entry.crc32,
        stored: entry.compressionMethod === 0 && !entry.isEncrypted(),
      });
    }
    return new ZipDirectory(file, members);
  }

  get names(): readonly string[] {
    return [...this.members.keys()];
  }

  /** Position of a member's bytes, which must be neither compressed nor encrypted. */
  locate(name: string): ByteRange {
    const member = this.members.get(name);
    if (!member) throw this.file.broken(`has no member ${quote(name)}`);
    if (!member.stored) {
      throw this.file.broken(`holds ${quote(name)} compressed; unpack it and zip it again without compression`);
    }
    const header = Buffer.from(this.file.readNow(member.header, 30));
    if (header.readUInt32LE(0) !== 0x04034b50) throw this.file.broken(`has no member at byte ${member.header}`);
    const start = member.header + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    if (start + member.length > this.file.size) {
      throw this.file.broken(`is truncated or damaged: ${quote(name)} reaches past its end; download it again`);
    }
    return { file: this.file, start, length: member.length, checksum: { expected: member.checksum, of: crc32 } };
  }
}

/** yauzl's view of the file; positions from a damaged directory are refused here, where Node would throw. */
class CheckedReader extends yauzl.RandomAccessReader {
  constructor(private readonly file: ByteFile) {
    super();
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    let failure: Error | null = null;
    try {
      buffer.set(this.file.readNow(position, length), offset);
    } catch (error) {
      failure = error as Error;
    }
    setImmediate(callback, failure);
  }

  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}

function readEntries(file: ByteFile): Promise<yauzl.Entry[]> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) => reject(file.broken(`has a damaged zip directory: ${error.message}`, error));
    const options = { lazyEntries: true, autoClose: false };
    yauzl.fromRandomAccessReader(new CheckedReader(file), file.size, options, (error, zip) => {
      if (error) return refuse(error);
      const entries: yauzl.Entry[] = [];
      zip.on("error", refuse);
      zip.on("end", () => resolve(entries));
      zip.on("entry", (entry: yauzl.Entry) => {
        entries.push(entry);
        zip.readEntry();
      });
      zip.readEntry();
    });
  });
}
