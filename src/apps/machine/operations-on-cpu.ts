/** Which operations of a model run on the CPU although it runs on another device. */

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { Device } from "../../onnx/devices.ts";

/** How many nodes of each ONNX operation ran on the device, and on the CPU. */
export interface OperationsByPlace {
  device: Record<string, number>;
  cpu: Record<string, number>;
}

const traceSchema = z.array(
  z.object({ name: z.string(), args: z.object({ op_name: z.string(), provider: z.string() }).partial().optional() }),
);

/** Calls `run` with a prefix for the profiles that its sessions write, and counts the nodes in them. */
export async function operationsByPlace(run: (profile: string) => Promise<void>): Promise<OperationsByPlace> {
  const folder = await mkdtemp(join(tmpdir(), "groundling-profile-"));
  try {
    await run(join(folder, "run"));
    const counts: OperationsByPlace = { device: {}, cpu: {} };
    for (const file of await readdir(folder)) countNodes(await readFile(join(folder, file), "utf8"), counts);
    return counts;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Adds the nodes of one session's profile; each counts once, however often it ran. */
function countNodes(profile: string, counts: OperationsByPlace): void {
  const seen = new Set<string>();
  for (const { name, args } of traceSchema.parse(JSON.parse(profile))) {
    if (!args?.op_name || !args.provider || seen.has(name)) continue;
    seen.add(name);
    const place = args.provider === "CPUExecutionProvider" ? counts.cpu : counts.device;
    place[args.op_name] = (place[args.op_name] ?? 0) + 1;
  }
}

/** The operations of a detector that finds one name in a small picture. */
export function operationsOfModel(model: string | undefined, device: Device): Promise<OperationsByPlace> {
  return operationsByPlace(async (profile) => {
    const { loadModel } = await import("../../tasks/finding/load-model.ts");
    await using loaded = await loadModel(model, { device, profile });
    const [width, height] = [128, 128];
    const picture = { data: new Uint8Array(3 * width * height), width, height, channels: 3 };
    await loaded.detect(picture, ["cat"], { size: { short: width, max: width } });
  });
}
