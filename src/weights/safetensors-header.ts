/** The header of a safetensors file: https://github.com/huggingface/safetensors#format */

import { type Bytes, HeldBytes, quote } from "./bytes.ts";
import { elementCount, isStoredDtype, itemSize } from "./dtype.ts";
import { parseObject } from "./strict-json.ts";
import { LocatedWeights, type StoredTensor, type WeightsFile } from "./weights-file.ts";

/** Longest header that the format allows. */
export const MOST_HEADER_BYTES = 100_000_000;

/** The bytes of one safetensors file; `path` names it in messages. Throws `WeightsError` where it is malformed, or the index of several. */
export async function safetensorsIn(bytes: ArrayBuffer, path: string): Promise<WeightsFile> {
  const file = new HeldBytes(path, bytes);
  const length = await headerLength(file);
  if (length === undefined) throw file.broken("is the index of several files; give a model in one file");
  const { tensors, metadata } = await readHeader(file, length);
  return new LocatedWeights(path, tensors, [file], metadata);
}

/** Length of the header, or undefined if the file starts like JSON and so is the index of a sharded one. */
export async function headerLength(file: Bytes): Promise<number | undefined> {
  const bytes = await file.read(0, Math.min(file.size, 9));
  const start = new Uint8Array(bytes);
  const length = start.length < 9 ? Number.NaN : Number(new DataView(bytes).getBigUint64(0, true));
  if (length + 8 <= file.size && length <= MOST_HEADER_BYTES && start[8] === 0x7b) return length;
  if (start[0] === 0x7b) return undefined;
  throw file.broken("is not a safetensors file: it does not start with a header and its length");
}

/** Content of a header. */
export interface Header {
  readonly tensors: Map<string, StoredTensor>;
  readonly metadata: Map<string, string>;
}

/** Reads the header of this length. Throws `WeightsError` where it is malformed. */
export async function readHeader(file: Bytes, length: number): Promise<Header> {
  const header = parseObject(new Uint8Array(await file.read(8, length)), (problem) =>
    file.broken(`its header ${problem}`),
  );
  const tensors = [...header]
    .filter(([name]) => name !== "__metadata__")
    .map(([name, entry]) => [name, locate(file, 8 + length, name, entry)] as const);
  checkLayout(file, 8 + length, tensors);
  return { tensors: new Map(tensors), metadata: readMetadata(file, header.get("__metadata__") ?? {}) };
}

function readMetadata(file: Bytes, words: unknown): Map<string, string> {
  const members = Object.entries(Object(words) as Record<string, unknown>);
  if (
    typeof words !== "object" ||
    Array.isArray(words) ||
    !members.every((member): member is [string, string] => typeof member[1] === "string")
  ) {
    throw file.broken("its __metadata__ is not an object of strings");
  }
  return new Map(members);
}

function locate(file: Bytes, start: number, name: string, entry: unknown): StoredTensor {
  const { dtype, shape, data_offsets: offsets }: Record<string, unknown> = Object(entry);
  const refuse = (problem: string) => file.broken(`tensor ${quote(name)}: ${problem}`);
  if (!isStoredDtype(dtype)) throw refuse(`its number type ${quote(dtype)} is not supported`);
  const count = elementCount(shape);
  if (count === undefined) throw refuse("its shape is not a list of sizes");
  if (!Array.isArray(offsets) || offsets.length !== 2) throw refuse("its data_offsets are not two numbers");
  const [from, to]: unknown[] = offsets;
  if (!Number.isSafeInteger(from) || (from as number) < 0 || to !== (from as number) + count * itemSize(dtype)) {
    throw refuse(`its data_offsets do not fit ${dtype} [${String(shape)}]`);
  }
  const storage = { file, start: start + (from as number), length: count * itemSize(dtype) };
  return { dtype, shape: shape as number[], offset: 0, storage };
}

/** The format requires that tensors fill the rest of the file, without gaps or shared bytes. */
function checkLayout(file: Bytes, start: number, tensors: readonly (readonly [string, StoredTensor])[]): void {
  const inOrder = [...tensors].sort(
    ([, a], [, b]) => a.storage.start - b.storage.start || a.storage.length - b.storage.length,
  );
  let end = start;
  for (const [name, { storage }] of inOrder) {
    if (storage.start !== end) {
      throw file.broken(`tensor ${quote(name)} starts at byte ${storage.start} instead of ${end}`);
    }
    end += storage.length;
  }
  if (end !== file.size) {
    throw file.broken(`is truncated or damaged: its tensors end at byte ${end} of ${file.size}; download it again`);
  }
}
