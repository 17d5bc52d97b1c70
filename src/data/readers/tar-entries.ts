/** Finds the members of a tar, so that each can be read alone; continues after damaged parts. */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { InputError } from "../../errors.ts";

/** A file within a tar. */
export interface TarEntry {
  readonly name: string;
  /** Position and size of its content in bytes. */
  readonly offset: number;
  readonly size: number;
}

/** A range of bytes that is not a member. */
export interface TarDamage {
  readonly damage: string;
  /** The name of a truncated member. */
  readonly name?: string;
}

interface Header extends TarEntry {
  readonly type: string;
}

const BLOCK = 512;
/** Maximum size of an extra header; names are short. */
const LONGEST_EXTRA = 1 << 20;

/**
 * The files of a tar (ustar, GNU and pax names) in order. After a damaged header, reading continues at the next valid one; a truncated tar
 * gives its complete members. Each damage is returned in its place.
 * @throws InputError if the file cannot be opened.
 */
export function* tarEntries(file: string): Generator<TarEntry | TarDamage> {
  const tar = opened(file);
  try {
    yield* entriesOf(tar, fstatSync(tar).size);
  } finally {
    closeSync(tar);
  }
}

/**
 * The bytes of a member.
 * @throws InputError if the tar has become shorter.
 */
export function tarEntryBytes(file: string, { name, offset, size }: TarEntry): Buffer {
  const tar = opened(file);
  try {
    if (offset + size > fstatSync(tar).size)
      throw new InputError(`${file}: ${name} is truncated; download or create it again`);
    return bytesAt(tar, offset, size);
  } finally {
    closeSync(tar);
  }
}

function* entriesOf(tar: number, end: number): Generator<TarEntry | TarDamage> {
  /** Name and size from an extra header, for the member that follows it. */
  let extra: { name?: string; size?: number } = {};
  let finished = false;
  for (let at = 0; at + BLOCK <= end; ) {
    const block = bytesAt(tar, at, BLOCK);
    if (block.every((byte) => byte === 0)) {
      finished = true;
      at += BLOCK;
      continue;
    }
    const header = headerOf(block, at);
    if (!header) {
      const next = nextHeader(tar, at + BLOCK, end);
      yield { damage: `bytes ${at} to ${next} are not a readable member` };
      extra = {};
      at = next;
      continue;
    }
    finished = false;
    const { offset, type } = header;
    const size = extra.size ?? header.size;
    const name = extra.name ?? header.name;
    if (offset + size > end) {
      yield { damage: `${name} is truncated: ${end - offset} of its ${size} bytes are there`, name };
      return;
    }
    if (type === "L" || type === "x") {
      const content = size > LONGEST_EXTRA ? "" : bytesAt(tar, offset, size).toString("utf8");
      extra = type === "L" ? { ...extra, name: content.replace(/\0.*$/s, "") } : { ...extra, ...paxOf(content) };
    } else {
      if (type === "0" || type === "7") yield { name, offset, size };
      if (type !== "g" && type !== "K") extra = {};
    }
    at = offset + BLOCK * Math.ceil(size / BLOCK);
  }
  if (!finished) yield { damage: "the end mark is missing; is the tar truncated?" };
}

/** A header with a correct checksum, or undefined. */
function headerOf(block: Buffer, at: number): Header | undefined {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : block[i]!;
  const text = (from: number, to: number) => block.toString("utf8", from, to).replace(/\0.*$/s, "");
  const number = (from: number, to: number) => {
    // GNU tar writes sizes of 8 GB and more in base 256.
    if (block[from]! & 0x80) return Number(BigInt(`0x${block.toString("hex", from + 4, to)}`));
    return Number.parseInt(text(from, to).trim() || "0", 8);
  };
  const size = number(124, 136);
  // A negative size would lead back to this header.
  if (number(148, 156) !== sum || !Number.isSafeInteger(size) || size < 0) return undefined;
  const prefix = text(257, 262) === "ustar" ? text(345, 500) : "";
  const name = text(0, 100);
  return { name: prefix ? `${prefix}/${name}` : name, offset: at + BLOCK, size, type: text(156, 157) || "0" };
}

/** Position of the next header, or the end. */
function nextHeader(tar: number, from: number, end: number): number {
  const step = BLOCK * 256;
  for (let start = from; start + BLOCK <= end; start += step) {
    const bytes = bytesAt(tar, start, Math.min(step, end - start));
    for (let i = 0; i + BLOCK <= bytes.length; i += BLOCK) {
      const block = bytes.subarray(i, i + BLOCK);
      if (block[0] !== 0 && headerOf(block, start + i)) return start + i;
    }
  }
  return end;
}

/** The path and size in the records "LENGTH KEY=VALUE" of a pax header. */
function paxOf(content: string): { name?: string; size?: number } {
  const value = (key: string) => new RegExp(`^\\d+ ${key}=(.*)$`, "m").exec(content)?.[1];
  const name = value("path");
  const size = Number(value("size") ?? Number.NaN);
  return { ...(name === undefined ? {} : { name }), ...(Number.isSafeInteger(size) && size >= 0 ? { size } : {}) };
}

function opened(file: string): number {
  try {
    if (!statSync(file).isFile()) throw new Error("it is not a regular file");
    return openSync(file, "r");
  } catch (error) {
    throw new InputError(`${file}: cannot be read (${error instanceof Error ? error.message : error})`);
  }
}

function bytesAt(file: number, offset: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let read = 0; read < size; ) {
    const more = readSync(file, bytes, read, size - read, offset + read);
    if (more === 0) break;
    read += more;
  }
  return bytes;
}
