/** The program as scripts call it: each time as a process of its own, whose output is returned. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export const groundling = (...parameters: string[]) => run("../src/apps/cli/main.ts", parameters);

/** Another script of this folder. */
export const script = (name: string, ...parameters: string[]) => run(`./${name}`, parameters);

function run(program: string, parameters: readonly string[]): string {
  const path = fileURLToPath(new URL(program, import.meta.url));
  return execFileSync(process.execPath, ["--import", "tsx", path, ...parameters], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** The figures of `groundling eval` for a model's answers to a dataset, which are kept in `detections`. */
export function scored(model: string, protocol: string, data: string, detections: string): Record<string, number> {
  const told = ["--model", model, "--data", data, "--detections", detections, "--protocol", protocol];
  return JSON.parse(groundling("eval", ...told, "--format", "json")).metrics;
}
