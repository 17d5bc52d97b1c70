/** Training checkpoints: one safetensors file with everything a run needs to continue with the same bits. */

import { constants } from "node:fs";
import { access, mkdir, open, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { WeightsError } from "../errors.ts";
import { writing } from "../files/writing.ts";
import { openSafetensors } from "../weights/safetensors.ts";
import type { WeightsFile } from "../weights/weights-file.ts";
import { type TensorToWrite, writeSafetensors } from "../weights/write-safetensors.ts";
import type { Json } from "./json.ts";
import type { NamedArrays, OptimizerState } from "./optimizer.ts";

/** A run at the end of a step. */
export interface Checkpoint {
  weights: NamedArrays;
  /** The moving average of the weights, if the run keeps one. */
  average?: NamedArrays;
  optimizer: OptimizerState;
  /** Everything except arrays: the step, data position, random generators, recipe. */
  state: { [key: string]: Json };
}

/** Shape of each weight, so that the checkpoint can be loaded as weights; without it arrays are written flat. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

const FORMAT = "groundling training checkpoint 1";

/**
 * Writes a checkpoint under a temporary name, flushes it to the disk and renames it, so that `file` is always the
 * old or the new one. Throws an InputError that names the file if the disk is full or the folder cannot be written.
 * Tensors are `weights/NAME`, `average/NAME` and `optimizer/KEY`; the rest is JSON in the header.
 */
export async function writeCheckpoint(file: string, checkpoint: Checkpoint, shapes: Shapes = new Map()): Promise<void> {
  const { tensors, counters } = flatten(checkpoint, shapes);
  const words = { format: FORMAT, state: JSON.stringify(checkpoint.state), counters: JSON.stringify(counters) };
  const start = crc32(words.state + words.counters);
  const checksum = tensors.reduce((sum, tensor) => checksumOf(tensor, tensor.data, sum), start);
  await writing(file, async () => {
    await mkdir(dirname(file), { recursive: true });
    await removeLeftovers(file);
    await writeSafetensors(file, tensors, { ...words, checksum: String(checksum) });
    await flushFolder(dirname(file));
  });
}

/** Reads a whole checkpoint. Throws a WeightsError that names the file if it is damaged, incomplete or not a checkpoint. */
export async function readCheckpoint(file: string): Promise<Checkpoint> {
  const opened = await openSafetensors(file);
  try {
    const words = wordsOf(opened);
    const state = record(file, words.state);
    const counters = record(file, words.counters);
    const average: NamedArrays = new Map();
    const checkpoint: Checkpoint = { weights: new Map(), optimizer: {}, state };
    for (const [key, count] of Object.entries(counters)) checkpoint.optimizer[key] = Number(count);
    let sum = crc32(`${words.state}${words.counters}`);
    for (const entry of opened.entries.values()) {
      const { name, dtype } = entry;
      const slash = name.indexOf("/");
      const [part, key] = [name.slice(0, slash), name.slice(slash + 1)];
      if (dtype !== "F32") throw broken(file, `${name} is ${dtype}, not F32`);
      const values = await opened.readFloat32(name);
      sum = checksumOf(entry, values, sum);
      if (part === "weights") checkpoint.weights.set(key, values);
      else if (part === "average") average.set(key, values);
      else if (part === "optimizer") checkpoint.optimizer[key] = values;
      else throw broken(file, `${name} does not belong in a checkpoint`);
    }
    if (String(sum) !== words.checksum) throw broken(file, "its data is damaged (checksum mismatch)");
    return average.size ? { ...checkpoint, average } : checkpoint;
  } finally {
    await opened.close();
  }
}

/** Everything in a checkpoint except arrays, without reading those. Throws WeightsError as `readCheckpoint`. */
export async function readCheckpointState(file: string): Promise<Checkpoint["state"]> {
  const opened = await openSafetensors(file);
  try {
    return record(file, wordsOf(opened).state);
  } finally {
    await opened.close();
  }
}

/** Whether a checkpoint of this name exists, valid or not. */
export async function checkpointExists(file: string): Promise<boolean> {
  return access(file, constants.F_OK).then(
    () => true,
    () => false,
  );
}

interface FlatTensor extends TensorToWrite {
  data: Float32Array;
}

function flatten(checkpoint: Checkpoint, shapes: Shapes): { tensors: FlatTensor[]; counters: Record<string, number> } {
  const tensors: FlatTensor[] = [];
  const counters: Record<string, number> = {};
  const add = (name: string, data: Float32Array, shape?: readonly number[]): void => {
    tensors.push({ name, dtype: "F32", shape: shape ?? [data.length], data });
  };
  for (const [name, data] of checkpoint.weights) add(`weights/${name}`, data, shapes.get(name));
  for (const [name, data] of checkpoint.average ?? []) add(`average/${name}`, data, shapes.get(name));
  for (const [key, value] of Object.entries(checkpoint.optimizer)) {
    if (typeof value === "number") counters[key] = value;
    else add(`optimizer/${key}`, value);
  }
  return { tensors, counters };
}

/** The texts in the header. */
function wordsOf({ path, metadata }: WeightsFile): Record<string, string> {
  if (metadata.get("format") !== FORMAT) throw broken(path, "it is not a training checkpoint");
  return Object.fromEntries(metadata);
}

function record(file: string, json: string | undefined): { [key: string]: Json } {
  try {
    const value: unknown = JSON.parse(json ?? "");
    if (isRecord(value)) return value;
  } catch {
    // Reported below.
  }
  throw broken(file, "its state is not a JSON object");
}

/** Deletes the temporary files that a killed run left beside `file`. */
async function removeLeftovers(file: string): Promise<void> {
  const folder = dirname(file);
  for (const name of await readdir(folder)) {
    if (name.startsWith(`${basename(file)}.`) && name.endsWith(".part")) await rm(join(folder, name), { force: true });
  }
}

/** Makes a rename survive a power failure, where the system can flush folders. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function broken(file: string, problem: string): WeightsError {
  return new WeightsError(`${file}: this checkpoint cannot be used: ${problem}; use another one`);
}

/** The CRC-32 of a tensor's name, shape and numbers, continued from `sum`. */
function checksumOf(
  { name, shape }: { name: string; shape: readonly number[] },
  values: Float32Array,
  sum: number,
): number {
  const named = crc32(`${name} ${shape.join(" ")}`, sum);
  // An empty buffer would reset zlib's checksum.
  return values.length ? crc32(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), named) : named;
}

function isRecord(value: unknown): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
