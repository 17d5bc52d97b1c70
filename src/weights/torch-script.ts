/**
 * The tensors of a TorchScript archive, such as OpenAI's CLIP files: its modules are read as dictionaries, and its program is never run.
 */

import type { ByteReader } from "./byte-reader.ts";
import { PickledTensor, type TorchPickle, unpickleTorch } from "./torch-pickle.ts";
import { Opaque, type Pickled } from "./unpickle.ts";

/** A module in the archive: its content, by name. */
class ScriptModule {
  readonly attributes = new Map<string, Pickled>();
}

/** Modules of classes that the archive's program defines. */
const MODULE = /^__torch__\./;
/** Values such as lists of numbers, which contain no tensors of a state dictionary. */
const PLAIN = /^torch\.jit\._pickle\.|^torch\.device$/;

/**
 * Reads the pickle of an archive as a state dictionary, with names of modules joined by periods. Throws `WeightsError` if there are no
 * tensors.
 */
export function unpickleScript(reader: ByteReader): TorchPickle {
  const { value, storages } = unpickleTorch(reader, {
    call: (global) => (MODULE.test(global) ? new ScriptModule() : undefined),
    build: (object, state) => {
      if (!(object instanceof ScriptModule) || !(state instanceof Map)) return;
      for (const [name, item] of state) if (typeof name === "string") object.attributes.set(name, item);
    },
  });
  const tensors = new Map<string, Pickled>();
  gather(value, "", tensors, new Set());
  if (![...tensors.values()].some((item) => item instanceof PickledTensor)) {
    throw reader.file.broken("is a TorchScript program without weights; save the state_dict() of the model instead");
  }
  return { value: tensors, storages };
}

/**
 * Collects the content of a module and of its submodules, except plain values; values made by unlisted code are kept, to be refused by
 * name.
 */
function gather(value: Pickled, path: string, found: Map<string, Pickled>, within: ReadonlySet<ScriptModule>): void {
  if (value instanceof ScriptModule) {
    // A module that contains itself would lead to an endless loop.
    if (within.has(value)) return;
    const prefix = path === "" ? "" : `${path}.`;
    for (const [name, item] of value.attributes) gather(item, prefix + name, found, new Set([...within, value]));
  } else if (value instanceof PickledTensor || (value instanceof Opaque && !PLAIN.test(value.global))) {
    found.set(path, value);
  }
}
