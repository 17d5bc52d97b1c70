/**
 * Kills a training run at random moments, resumes it each time, and compares its last checkpoint with that of an uninterrupted run, byte by
 * byte.
 *
 *     npx tsx scripts/kill-training.ts --kills 20 --out runs/killed
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { Random } from "../src/data/random.ts";

const { kills, out, sprites, seed } = new Command()
  .option("--kills <number>", "times the run is killed", Number, 20)
  .option("--out <folder>", "folder for both runs", "runs/killed")
  .option("--sprites <folder>", "folder of rendered drawings", "runs/sprites")
  .option("--seed <number>", "decides when it is killed", Number, 1)
  .parse()
  .opts<{ kills: number; out: string; sprites: string; seed: number }>();

const program = fileURLToPath(new URL("../src/apps/cli/main.ts", import.meta.url));
const recipe = fileURLToPath(new URL("../recipes/first-world.json", import.meta.url));
/** A model of a few thousand weights with dropout, so that every state in a checkpoint is used. */
const small = {
  "model.backbone": { embedDim: 8, depths: [1, 1, 1, 1], heads: [1, 1, 2, 2], window: 4, dropPathRate: 0.1 },
  "model.channels": 16,
  "model.steps": 1,
  "model.fusion": { width: 16, heads: 2 },
  "data.sizes": [64, 96],
  "data.pictures": 2,
  dropout: true,
  steps: 3 * kills + 40,
  warmup: 10,
  checkpointEvery: 3,
  evaluateEvery: 25,
  evaluatePictures: 2,
};
const overrides = Object.entries(small).flatMap(([key, value]) => ["-o", `${key}=${JSON.stringify(value)}`]);

rmSync(out, { recursive: true, force: true });
const [whole, killed] = [join(out, "whole"), join(out, "killed")] as const;
await ended(train(whole));
const random = new Random(seed, "kills");
for (let kill = 1; kill <= kills; kill++) {
  const child = train(killed);
  const seconds = random.between(0.5, 16);
  await Promise.race([setTimeout(1000 * seconds), once(child, "close")]);
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
  console.log(`kill ${kill} after ${seconds.toFixed(1)} s (${child.signalCode ?? "the run had ended"})`);
}
await ended(train(killed));
for (const name of ["last", "best"].map((file) => `${file}.safetensors`)) {
  const same = readFileSync(join(whole, name)).equals(readFileSync(join(killed, name)));
  console.log(`${name}: ${same ? "the same bytes" : "DIFFERENT"}`);
  if (!same) process.exitCode = 1;
}

function train(folder: string) {
  const parameters = ["train", recipe, "--resume", "--out", folder, "--sprites", sprites, ...overrides];
  return spawn(process.execPath, ["--import", "tsx", program, ...parameters], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

async function ended(child: ReturnType<typeof train>): Promise<void> {
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`training ended with exit code ${code}`);
}
