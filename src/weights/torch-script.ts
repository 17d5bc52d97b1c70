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

/** Most steps from module to module; published models have about ten. */
const DEEPEST = 100;
/** Most values that are looked at. Modules may be shared, so that a small file can name one without end. */
const MOST_VALUES = 100_000;
const LONGEST_NAME = 1000;

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
  const tensors = gathered(value, (problem) => reader.file.broken(problem));
  if (![...tensors.values()].some((item) => item instanceof PickledTensor)) {
    throw reader.file.broken("is a TorchScript program without weights; save the state_dict() of the model instead");
  }
  return { value: tensors, storages };
}

/**
 * Collects the content of a module and of its submodules, except plain values; values made by unlisted code are kept, to be refused by
 * name.
 */
function gathered(root: Pickled, broken: (problem: string) => Error): Map<string, Pickled> {
  const found = new Map<string, Pickled>();
  let left = MOST_VALUES;
  const visit = (value: Pickled, path: string, within: readonly ScriptModule[]): void => {
    if (left-- === 0) throw broken(`names more than ${MOST_VALUES} values`);
    if (value instanceof ScriptModule) {
      // A module that contains itself would lead to an endless loop.
      if (within.includes(value)) return;
      if (within.length === DEEPEST) throw broken(`has modules within modules, more than ${DEEPEST} deep`);
      const prefix = path === "" ? "" : `${path}.`;
      for (const [name, item] of value.attributes) visit(item, prefix + name, [...within, value]);
    } else if (value instanceof PickledTensor || (value instanceof Opaque && !PLAIN.test(value.global))) {
      if (path.length > LONGEST_NAME) throw broken(`has a name of more than ${LONGEST_NAME} characters`);
      found.set(path, value);
    }
  };
  visit(root, "", []);
  return found;
}
