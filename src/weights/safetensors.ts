/** The safetensors format, one file or shards with an index: https://github.com/huggingface/safetensors#format */

import { basename, dirname, join } from "node:path";
import { WeightsError } from "../errors.ts";
import { ByteFile } from "./byte-file.ts";
import { quote } from "./bytes.ts";
import type { StoredArray, StoredDtype } from "./dtype.ts";
import { headerLength, MOST_HEADER_BYTES, readHeader } from "./safetensors-header.ts";
import { parseObject } from "./strict-json.ts";
import { LocatedWeights, type StoredTensor, type WeightsFile } from "./weights-file.ts";

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
        throw refuse(`places ${quote(name)} in ${quote(shard)}, which is not a file in its folder`);
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
