/** Opens a weights file by its content, not by its name. */

import { ByteFile } from "./byte-file.ts";
import { openSafetensors } from "./safetensors.ts";
import type { WeightsFile } from "./weights-file.ts";

/**
 * Opens a safetensors file, the index of a sharded one, or a PyTorch checkpoint (zip or legacy). Only the table of contents is read,
 * and nothing in the file is executed. Throws `WeightsError` if it is none of these, damaged or truncated.
 */
export async function openWeights(path: string): Promise<WeightsFile> {
  const file = await ByteFile.open(path);
  try {
    const start = Buffer.from(await file.read(0, Math.min(file.size, 4)));
    // The readers of PyTorch's formats are imported when needed: most models are safetensors.
    if (start.toString("latin1") === "PK\x03\x04") return await (await import("./pth.ts")).openZipCheckpoint(file);
    if (start[0] === 0x80 && (start[1] ?? 0) >= 2 && (start[1] ?? 0) <= 5 && start[2] === 0x8a) {
      return await (await import("./legacy-pth.ts")).openLegacyCheckpoint(file);
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return openSafetensors(path);
}
