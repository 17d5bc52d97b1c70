/**
 * PyTorch checkpoints as `torch.save` writes them since 1.6: a zip file with one pickle and a member for each storage. TorchScript's archives are
 * of the same form with a program beside, which is never read.
 */

import type { ByteFile } from "./byte-file.ts";
import { ByteReader } from "./byte-reader.ts";
import { quote } from "./bytes.ts";
import { itemSize } from "./dtype.ts";
import { locateTensors, unpickleTorch } from "./torch-pickle.ts";
import { unpickleScript } from "./torch-script.ts";
import { LocatedWeights, type WeightsFile } from "./weights-file.ts";
import { ZipDirectory } from "./zip-directory.ts";

/** Reads the table of contents of a zip checkpoint. What it gives reads from `file` and closes it. */
export async function openZipCheckpoint(file: ByteFile): Promise<WeightsFile> {
  const directory = await ZipDirectory.read(file);
  const root = rootOf(file, directory.names);
  const script = directory.names.includes(`${root}constants.pkl`);
  if (directory.names.includes(`${root}byteorder`)) {
    const order = directory.locate(`${root}byteorder`);
    const word = Buffer.from(await file.read(order.start, order.length)).toString("latin1");
    if (word !== "little") throw file.broken("was written on a machine with another byte order");
  }
  const pickle = directory.locate(`${root}data.pkl`);
  const bytes = new Uint8Array(await file.read(pickle.start, pickle.length));
  if (pickle.checksum && pickle.checksum.of(bytes) !== pickle.checksum.expected)
    throw file.broken("is damaged (checksum mismatch); download it again");
  const reader = new ByteReader(file, pickle.start, pickle.start + pickle.length);
  const { value } = script ? unpickleScript(reader) : unpickleTorch(reader);
  const tensors = locateTensors(file, value, ({ key, dtype, count }) => {
    const range = directory.locate(`${root}data/${key}`);
    if (range.length === count * itemSize(dtype)) return range;
    throw file.broken(`has ${range.length} bytes in storage ${quote(key)}, not ${count} ${dtype}`);
  });
  return new LocatedWeights(file.path, tensors, [file]);
}

/** The folder that a checkpoint's members share. */
function rootOf(file: ByteFile, names: readonly string[]): string {
  const pickles = names.filter((name) => /^([^/]*\/)?data\.pkl$/.test(name));
  if (pickles.length !== 1) throw file.broken("is a zip file, but not one that torch.save wrote: it has no data.pkl");
  return pickles[0]!.slice(0, -"data.pkl".length);
}
