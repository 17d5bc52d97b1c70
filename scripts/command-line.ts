/** The program as scripts call it: each time as a process of its own, whose output is returned. */

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

/** Trains by a recipe from the start in `folder`, and packs the model into `to`; `card` is its text, `side` that of its pictures. */
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

/** The figures of `groundling eval` for a model's answers to a dataset, which are kept in `detections`. */
export function scored(model: string, protocol: string, data: string, detections: string): Record<string, number> {
  rmSync(detections, { force: true });
  const told = ["--model", model, "--data", data, "--detections", detections, "--protocol", protocol];
  return JSON.parse(groundling("eval", ...told, "--format", "json")).metrics;
}
