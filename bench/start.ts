/**
 * Measures how quickly the program starts, as ratios of processor time (user and system), which depends least on other work on the machine:
 * node --import tsx bench/start.ts [FOLDER-OF-ANOTHER-BUILD]
 *
 * The ratios: `groundling --help` to `node -e 0`; and, if another build is given, `groundling detect` on one photo until the model first
 * runs to the same of the other build. Build first (npm run build). The builds run alternately; a figure is the median of RUNS (default 7).
 */

import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("..", import.meta.url));
const other = process.argv[2] && resolve(process.argv[2]);
const runs = Number(process.env.RUNS ?? 7);

/**
 * Loaded before the program: prints the processor time when ONNX Runtime is first loaded, and exits. The native library is in native/ or,
 * in builds before 0.2.0, among the dependencies.
 */
const probe = `
const { existsSync } = require("node:fs");
const { createRequire } = require("node:module");
const { dirname, join } = require("node:path");
const native = join(dirname(process.argv[1]), "../native/package.json");
const library = createRequire(existsSync(native) ? native : process.argv[1]).resolve("onnxruntime-node/package.json");
createRequire(library)("onnxruntime-common").InferenceSession.prototype.run = () => {
  const { user, system } = process.cpuUsage();
  process._rawDebug("processor " + (user + system));
  process.exit();
};
`;

const atEnd = `process.on("exit", () => { const { user, system } = process.cpuUsage(); process._rawDebug("processor " + (user + system)); });`;

/** Milliseconds of processor time that a program reports. */
function processorTime(preload: string, words: readonly string[]): number {
  const preloaded = ["--require", join(here, "bench/preload.cjs"), ...words];
  const { stderr } = spawnSync(process.execPath, preloaded, {
    encoding: "utf8",
    env: { ...process.env, GROUNDLING_PRELOAD: preload },
  });
  const said = /^processor (\d+)$/m.exec(stderr);
  if (!said) throw new Error(`${words.join(" ")} said no processor time:\n${stderr}`);
  return Number(said[1]) / 1000;
}

const photo = join(here, "examples/photos/cat.jpg");
const program = (build: string) => join(build, "bin/groundling.js");
const detect = (build: string) => processorTime(probe, [program(build), "detect", photo, "--prompt", "cat. cup."]);
const measured: Record<string, () => number> = {
  "node -e 0": () => processorTime(atEnd, ["-e", "0"]),
  "groundling --help": () => processorTime(atEnd, [program(here), "--help"]),
  "groundling detect, before the model runs": () => detect(here),
  ...(other ? { "the same of the other build": () => detect(other) } : {}),
};
const all = Object.fromEntries(Object.keys(measured).map((name) => [name, [] as number[]]));
for (let i = 0; i < runs; i++) for (const [name, measure] of Object.entries(measured)) all[name]!.push(measure());
const medians = Object.values(all).map((times) => times.sort((a, b) => a - b)[times.length >> 1]!);
for (const [i, name] of Object.keys(all).entries()) console.log(`${name}: ${medians[i]!.toFixed(0)} ms`);
console.log(`--help / node -e 0: ${(medians[1]! / medians[0]!).toFixed(2)}`);
if (other) console.log(`detect / detect of the other build: ${(medians[2]! / medians[3]!).toFixed(2)}`);
