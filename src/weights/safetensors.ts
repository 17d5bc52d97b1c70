/** The safetensors format, one file or shards with an index: https://github.com/huggingface/safetensors#format */

import { basename, dirname, join } from "node:path";
import { WeightsError } from "../errors.ts";
import { ByteFile, quote } from "./byte-file.ts";
import { elementCount, isStoredDtype, itemSize, type StoredArray, type StoredDtype } from "./dtype.ts";
import { parseObject } from "./strict-json.ts";
import { LocatedWeights, type StoredTensor, type WeightsFile } from "./weights-file.ts";

/** Longest header that the format allows. */
const MOST_HEADER_BYTES = 100_000_000;

/** A tensor with its numbers. */
export interface NamedArray {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly data: StoredArray;
}

/** Opens a `.safetensors` file, or the `.safetensors.index.json` of a sharded one; throws `WeightsError` if it is malformed. */
export async function openSafetensors(path: string): Promise<WeightsFile> {
  const file = await ByteFile.open(path);
  try {
    const length = await headerLength(file);
    if (length === undefined) return await openShards(file);
    const { tensors, metadata } = await readHeader(file, length);
    return new LocatedWeights(path, tensors, [file], metadata);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** All tensors of a safetensors file at once, in their own number types. */
export async function readSafetensors(path: string): Promise<Map<string, NamedArray>> {
  const file = await openSafetensors(path);
  try {
    const all = new Map<string, NamedArray>();
    for (const { name, dtype, shape } of file.entries.values()) {
      all.set(name, { dtype, shape, data: await file.read(name) });
    }
    return all;
  } finally {
    await file.close();
  }
}

/** Length of the header, or undefined if the file starts like JSON and so is the index of a sharded one. */
async function headerLength(file: ByteFile): Promise<number | undefined> {
  const start = Buffer.from(await file.read(0, Math.min(file.size, 9)));
  const length = start.length < 9 ? Number.NaN : Number(start.readBigUInt64LE(0));
  if (length + 8 <= file.size && length <= MOST_HEADER_BYTES && start[8] === 0x7b) return length;
  if (start[0] === 0x7b) return undefined;
  throw file.broken("is not a safetensors file: it does not start with a header and its length");
}

/** Content of a header. */
interface Header {
  readonly tensors: Map<string, StoredTensor>;
  readonly metadata: Map<string, string>;
}

async function readHeader(file: ByteFile, length: number): Promise<Header> {
  const header = parseObject(new Uint8Array(await file.read(8, length)), (problem) =>
    file.broken(`its header ${problem}`),
  );
  const tensors = [...header]
    .filter(([name]) => name !== "__metadata__")
    .map(([name, entry]) => [name, locate(file, 8 + length, name, entry)] as const);
  checkLayout(file, 8 + length, tensors);
  return { tensors: new Map(tensors), metadata: readMetadata(file, header.get("__metadata__") ?? {}) };
}

function readMetadata(file: ByteFile, words: unknown): Map<string, string> {
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

function locate(file: ByteFile, start: number, name: string, entry: unknown): StoredTensor {
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
function checkLayout(file: ByteFile, start: number, tensors: readonly (readonly [string, StoredTensor])[]): void {
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

async function openShards(index: ByteFile): Promise<WeightsFile> {
  const refuse = (problem: string) => index.broken(`this index ${problem}`);
  if (index.size > MOST_HEADER_BYTES) throw refuse(`is longer than ${MOST_HEADER_BYTES} bytes`);
  const map = parseObject(new Uint8Array(await index.read(0, index.size)), refuse).get("weight_map");
  if (typeof map !== "object" || map === null) throw refuse("has no weight_map");
  const places = Object.entries(map as Record<string, unknown>);
  const opened = new Map<string, { file: ByteFile; tensors: Map<string, StoredTensor> }>();
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const [name, shard] of places) {
      if (typeof shard !== "string" || shard !== basename(shard) || !shard.endsWith(".safetensors")) {
        throw refuse(`places ${quote(name)} in ${quote(shard)}, which is no file beside it`);
      }
      if (!opened.has(shard)) opened.set(shard, await openShard(join(dirname(index.path), shard)));
      const tensor = opened.get(shard)!.tensors.get(name);
      if (!tensor) throw refuse(`places ${quote(name)} in ${shard}, which does not hold it`);
      tensors.set(name, tensor);
    }
    return new LocatedWeights(index.path, tensors, [index, ...[...opened.values()].map(({ file }) => file)]);
  } catch (error) {
    await Promise.all([...opened.values()].map(({ file }) => file.close()));
    throw error;
  }
}

async function openShard(path: string): Promise<{ file: ByteFile; tensors: Map<string, StoredTensor> }> {
  const file = await ByteFile.open(path);
  try {
    const length = await headerLength(file);
    if (length === undefined) throw new WeightsError(`${path}: is an index, not a shard`);
    return { file, tensors: (await readHeader(file, length)).tensors };
  } catch (error) {
    await file.close();
    throw error;
  }
}
