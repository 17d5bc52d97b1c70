/**
 * Converts a PyTorch checkpoint of about 4 GB to safetensors and prints the time, as a ratio to a plain copy of the file, and the peak
 * memory. Without FILE, the PyTorch of PYTHON (default /usr/bin/python3) creates one in the temporary folder.
 *
 *     node --import tsx bench/conversion.ts [FILE]
 */
import { spawnSync } from "node:child_process";
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { convertToSafetensors } from "../src/weights/convert.ts";
import { openSafetensors } from "../src/weights/safetensors.ts";

const make = `
import sys, torch
torch.save({"model": {f"module.layer.{i}.weight": torch.rand(8192, 8192) for i in range(16)}}, sys.argv[1])`;

const folder = mkdtempSync(join(tmpdir(), "groundling-conversion-"));
try {
  const source = process.argv[2] ?? join(folder, "source.pth");
  if (!process.argv[2]) {
    const { status, stderr } = spawnSync(process.env.PYTHON ?? "/usr/bin/python3", ["-c", make, source]);
    if (status !== 0) throw new Error(`no checkpoint could be made; name a file. ${stderr}`);
  }
  const timed = async (run: () => Promise<void>) => {
    const start = performance.now();
    await run();
    return (performance.now() - start) / 1000;
  };
  const target = join(folder, "target");
  const copying = await timed(() => pipeline(createReadStream(source), createWriteStream(target)));
  const before = process.resourceUsage().maxRSS / 1024;
  const converting = await timed(() => convertToSafetensors(source, target));
  const file = await openSafetensors(target);
  console.log(
    `${(statSync(source).size / 1e9).toFixed(2)} GB, ${file.names.length} tensors: converted in ${converting.toFixed(1)} s, ` +
      `${(converting / copying).toFixed(2)} times a copy; peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB ` +
      `(${before.toFixed(0)} MB before)`,
  );
  await file.close();
} finally {
  rmSync(folder, { recursive: true });
}
