/** PyTorch's objects in a pickle: tensors as views of numbered storages, and dictionaries of them. */

import type { ByteFile } from "./byte-file.ts";
import type { ByteReader } from "./byte-reader.ts";
import { quote } from "./bytes.ts";
import { elementCount, itemSize, type StoredDtype } from "./dtype.ts";
import { lastElement } from "./strides.ts";
import { Opaque, type Pickled, PickledGlobal, type PickleRules, unpickle } from "./unpickle.ts";
import type { ByteRange, StoredTensor } from "./weights-file.ts";

/** A run of elements outside the pickle. */
export class PickledStorage {
  constructor(
    readonly key: string,
    readonly dtype: StoredDtype,
    /** Number of elements. */
    readonly count: number,
  ) {}
}

export class PickledTensor {
  constructor(
    readonly storage: Pickled,
    readonly offset: Pickled,
    readonly shape: Pickled,
    readonly strides: Pickled,
  ) {}
}

const storageTypes: Readonly<Record<string, StoredDtype>> = {
  "torch.DoubleStorage": "F64",
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.LongStorage": "I64",
  "torch.IntStorage": "I32",
  "torch.ShortStorage": "I16",
  "torch.CharStorage": "I8",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
};

/** A checkpoint's pickle, before its storages are located. */
export interface TorchPickle {
  readonly value: Pickled;
  /** Every storage in the pickle, including those of other tensors. */
  readonly storages: ReadonlyMap<string, PickledStorage>;
}

/** Reads one pickle with PyTorch's globals that make tensors; all others stay opaque. */
export function unpickleTorch(reader: ByteReader, rules: Partial<PickleRules> = {}): TorchPickle {
  const { file } = reader;
  const storages = new Map<string, PickledStorage>();
  const call = (global: string, parameters: readonly Pickled[]) =>
    rules.call?.(global, parameters) ?? makeTorch(global, parameters);
  const value = unpickle(reader, { ...rules, call, persistent: (id) => persistentStorage(file, storages, id) });
  return { value, storages };
}

/** The allow-list. Calls are recorded, never executed. */
function makeTorch(global: string, parameters: readonly Pickled[]): Pickled {
  switch (global) {
    case "collections.OrderedDict":
      // Python 2 writes its items as a list of pairs; convert such checkpoints in Python 3 with `torch.save(torch.load(…))`.
      return parameters.length === 0 ? new Map() : undefined;
    case "torch._utils._rebuild_tensor":
    case "torch._utils._rebuild_tensor_v2":
      return new PickledTensor(parameters[0], parameters[1], parameters[2], parameters[3]);
    case "torch._utils._rebuild_parameter":
    case "torch._utils._rebuild_parameter_with_state":
      return parameters[0];
    case "torch.Size":
      return parameters[0];
    default:
      return undefined;
  }
}

function persistentStorage(file: ByteFile, storages: Map<string, PickledStorage>, id: Pickled): Pickled {
  const [kind, type, key, , count, view]: Pickled[] = Array.isArray(id) ? id : [];
  if (kind !== "storage" || !(type instanceof PickledGlobal) || typeof key !== "string" || !isCount(count)) {
    throw file.broken("refers to something outside its pickle that is not a storage");
  }
  if (view !== undefined && view !== null) {
    throw file.broken("holds views of storages, as PyTorch before 0.4 wrote them; save it again with a later PyTorch");
  }
  const dtype = Object.hasOwn(storageTypes, type.path) ? storageTypes[type.path] : undefined;
  if (!dtype) return new Opaque(type.path);
  const known = storages.get(key);
  if (known && (known.dtype !== dtype || known.count !== count)) {
    throw file.broken(`describes its storage ${quote(key)} in two ways`);
  }
  const storage = known ?? new PickledStorage(key, dtype, count);
  storages.set(key, storage);
  return storage;
}

const isCount = (value: Pickled): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** The name of a single saved tensor. */
const BARE = "tensor";

/**
 * The tensors of a checkpoint. A checkpoint is one tensor, a dictionary of tensors, or a dictionary with such a dictionary under `model` or
 * else under `state_dict`. The prefix `module.` of data-parallel training is removed if every name has it. Plain values and opaque objects
 * next to or inside that dictionary are skipped, except a value in it that an unlisted global would have made: it might be a tensor, so it
 * is refused by name.
 */
function stateDictionary(file: ByteFile, value: Pickled): Map<string, Pickled> {
  const outer = value instanceof Map ? (value.get("model") ?? value.get("state_dict") ?? value) : value;
  if (outer instanceof Opaque) {
    throw file.broken(`holds an object of ${outer.global}, which is not read; save its state_dict() instead`);
  }
  if (outer instanceof PickledTensor) return new Map([[BARE, outer]]);
  if (!(outer instanceof Map)) throw file.broken("holds no dictionary of tensors; save a state_dict()");
  const found = new Map<string, Pickled>();
  const unknown: string[] = [];
  for (const [name, item] of outer) {
    if (item instanceof Opaque || item instanceof PickledGlobal) {
      unknown.push(`${quote(name)} (${item instanceof Opaque ? item.global : item.path})`);
    } else if (typeof name === "string" && item instanceof PickledTensor) found.set(name, item);
  }
  if (unknown.length > 0) {
    throw file.broken(`holds objects of classes that are not supported: ${summary(unknown)}; save without them`);
  }
  if (found.size === 0) {
    throw file.broken(
      `holds no tensors at the top level, in model or in state_dict; its names are ${summary([...outer.keys()].map(quote))}`,
    );
  }
  const prefix = [...found.keys()].every((name) => name.startsWith("module.")) ? "module.".length : 0;
  return new Map([...found].map(([name, item]) => [name.slice(prefix), item]));
}

const summary = (words: readonly string[]): string =>
  words.slice(0, 5).join(", ") + (words.length > 5 ? ` and ${words.length - 5} more` : "");

/** Locates each tensor of a state dictionary in the file; `find` returns the bytes of a storage by its key. */
export function locateTensors(
  file: ByteFile,
  value: Pickled,
  find: (storage: PickledStorage) => ByteRange,
): Map<string, StoredTensor> {
  const ranges = new Map<string, ByteRange>();
  const located = new Map<string, StoredTensor>();
  for (const [name, item] of stateDictionary(file, value)) {
    const refuse = (problem: string) => file.broken(`tensor ${quote(name)}: ${problem}`);
    const { storage, offset, shape, strides } = item as PickledTensor;
    if (storage instanceof Opaque) throw refuse(`its storage type ${storage.global} is not read`);
    if (!(storage instanceof PickledStorage)) throw refuse("it has no storage");
    const count = elementCount(shape);
    if (count === undefined || elementCount(strides) === undefined) throw refuse("its shape or strides are not sizes");
    const sizes = shape as number[];
    const steps = strides as number[];
    if (sizes.length !== steps.length || !isCount(offset)) throw refuse("its shape, strides and offset do not agree");
    const last = offset + lastElement(sizes, steps);
    if (!(last < storage.count) || !(count * itemSize(storage.dtype) <= file.size)) {
      throw refuse(`it is larger than its storage of ${storage.count} elements`);
    }
    if (!ranges.has(storage.key)) ranges.set(storage.key, find(storage));
    located.set(name, {
      dtype: storage.dtype,
      shape: sizes,
      strides: steps,
      offset: count === 0 ? 0 : offset,
      storage: ranges.get(storage.key)!,
    });
  }
  return located;
}
