/** A weights file under other names, for example a backbone's file as part of a detector. */

import { WeightsError } from "../errors.ts";
import { quote } from "./bytes.ts";
import type { WeightsEntry, WeightsFile } from "./weights-file.ts";

/** The new name of a tensor, or `undefined` to leave it out. */
export type Rename = (name: string) => string | undefined;

/** Views a file under new names. Throws `WeightsError` if two tensors would share a name. Closing it closes the file. */
export function renameWeights(file: WeightsFile, rename: Rename): WeightsFile {
  const entries = new Map<string, WeightsEntry>();
  const origins = new Map<string, string>();
  for (const entry of file.entries.values()) {
    const name = rename(entry.name);
    if (name === undefined) continue;
    if (origins.has(name)) {
      throw new WeightsError(`${file.path}: ${origins.get(name)} and ${entry.name} would both be named ${name}`);
    }
    origins.set(name, entry.name);
    entries.set(name, { ...entry, name });
  }
  const origin = (name: string): string => {
    const found = origins.get(name);
    if (found === undefined) throw new WeightsError(`${file.path}: no tensor is renamed to ${quote(name)}`);
    return found;
  };
  return {
    path: file.path,
    entries,
    names: [...entries.keys()],
    metadata: file.metadata,
    read: async (name) => file.read(origin(name)),
    readFloat32: async (name) => file.readFloat32(origin(name)),
    inFile: (name) => file.inFile(origin(name)),
    readPieces: (name) => file.readPieces(origin(name)),
    close: () => file.close(),
    [Symbol.asyncDispose]: () => file.close(),
  };
}
