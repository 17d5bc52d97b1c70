/** PyTorch checkpoints as `torch.save` wrote them before 1.6: five pickles, then the storages one after the other. */

import type { ByteFile } from "./byte-file.ts";
import { ByteReader } from "./byte-reader.ts";
import { quote } from "./bytes.ts";
import { itemSize } from "./dtype.ts";
import { locateTensors, unpickleTorch } from "./torch-pickle.ts";
import { unpickle } from "./unpickle.ts";
import { type ByteRange, LocatedWeights, type WeightsFile } from "./weights-file.ts";

/** The first pickle of such a file. */
const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;

/** Reads the table of contents of a legacy checkpoint. What it gives reads from `file` and closes it. */
export async function openLegacyCheckpoint(file: ByteFile): Promise<WeightsFile> {
  const reader = new ByteReader(file, 0, file.size);
  const plain = () => unpickle(reader, { call: () => undefined, persistent: () => null });
  if (plain() !== MAGIC_NUMBER) throw file.broken("is a pickle, but not one that torch.save wrote");
  if (plain() !== 1001) throw file.broken("is of another version of the format than 1001");
  const system = plain();
  if (!(system instanceof Map) || system.get("little_endian") !== true) {
    throw file.broken("was written on a machine with another byte order");
  }
  const { value, storages } = unpickleTorch(reader);
  const keys = plain();
  if (!Array.isArray(keys)) throw file.broken("does not list its storages");
  const ranges = new Map<unknown, ByteRange>();
  let position = reader.position;
  for (const key of keys) {
    const storage = storages.get(key);
    if (!storage || ranges.has(key))
      throw file.broken(`lists the storage ${quote(key)}, which no tensor uses or which is listed twice`);
    const count = Number(Buffer.from(file.readNow(position, 8)).readBigInt64LE(0));
    const length = count * itemSize(storage.dtype);
    if (count !== storage.count) throw file.broken(`has ${count} elements in storage ${key}, not ${storage.count}`);
    if (!(position + 8 + length <= file.size)) {
      throw file.broken(`is truncated or damaged: storage ${key} reaches past its end; download it again`);
    }
    ranges.set(key, { file, start: position + 8, length });
    position += 8 + length;
  }
  const tensors = locateTensors(file, value, ({ key }) => {
    const range = ranges.get(key);
    if (range) return range;
    throw file.broken(`does not hold its storage ${quote(key)}`);
  });
  return new LocatedWeights(file.path, tensors, [file]);
}
