/** Runs the program for scripts: each call is a process, and its output is returned. */

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const groundling = (...parameters: string[]) => run("../src/apps/cli/main.ts", parameters);

function run(program: string, parameters: readonly string[]): string {
  const path = fileURLToPath(new URL(program, import.meta.url));
  return execFileSync(process.execPath, ["--import", "tsx", path, ...parameters], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** Trains a recipe from the start in `folder` and packs the model into `to`, with the text `card` and pictures of `side` pixels. */
export function trained(
  recipe: object,
  { folder, to, side, card, sprites }: { folder: string; to: string; side: number; card: string; sprites: string },
): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "recipe.json");
  writeFileSync(file, JSON.stringify(recipe));
  groundling("train", file, "--out", folder, "--sprites", sprites);
  run("./package-model.ts", ["--run", folder, "--to", to, "--size", `${side},${side}`, "--card", card]);
}

/** The metrics of `groundling eval` for a model on a dataset; the detections are written to `detections`. */
export function scored(model: string, protocol: string, data: string, detections: string): Record<string, number> {
  rmSync(detections, { force: true });
  const told = ["--model", model, "--data", data, "--detections", detections, "--protocol", protocol];
  return JSON.parse(groundling("eval", ...told, "--format", "json")).metrics;
}
