/** Two weights files as one, for example a recogniser and the proposals that go with it. */

import { WeightsError } from "../errors.ts";
import { quote } from "./bytes.ts";
import type { WeightsFile } from "./weights-file.ts";

/** Views two files as one. Throws `WeightsError` if both hold a tensor of one name. Closing it closes both. */
export function joinedWeights(first: WeightsFile, second: WeightsFile): WeightsFile {
  const twice = second.names.find((name) => first.entries.has(name));
  if (twice !== undefined)
    throw new WeightsError(`${first.path} and ${second.path} both hold a tensor named ${quote(twice)}`);
  const entries = new Map([...first.entries, ...second.entries]);
  const fileOf = (name: string) => (first.entries.has(name) ? first : second);
  const close = async () => {
    await Promise.all([first.close(), second.close()]);
  };
  return {
    path: first.path,
    entries,
    names: [...entries.keys()],
    metadata: first.metadata,
    read: (name) => fileOf(name).read(name),
    readFloat32: (name) => fileOf(name).readFloat32(name),
    inFile: (name) => fileOf(name).inFile(name),
    readPieces: (name) => fileOf(name).readPieces(name),
    close,
    [Symbol.asyncDispose]: close,
  };
}
