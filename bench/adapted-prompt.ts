/**
 * Measures how long a program with a loaded model takes to read its first adapted prompt: `npx tsx bench/adapted-prompt.ts`. Each time is
 * measured in a new process. The prompt has 40 tokens of a published GLIP, each a vector of 768 numbers.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readAdapted } from "../src/tasks/finding/adapted-file.ts";
import { writeAdaptedPrompt } from "../src/tasks/finding/adapted-prompt-file.ts";
import { loadModel } from "../src/tasks/finding/load-model.ts";

const RUNS = 12;
const [given] = process.argv.slice(2);
if (given === undefined) await compare();
else {
  const model = await loadModel();
  const start = performance.now();
  await readAdapted(given);
  console.log(performance.now() - start);
  await model.dispose();
}

async function compare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bench-prompt-"));
  try {
    const file = join(folder, "prompt.safetensors");
    const vectors = { vectors: new Float32Array(40 * 768), tokens: 40, inPlace: false };
    await writeAdaptedPrompt(file, { classes: ["person", "dog"], ...vectors, base: { name: "none", digest: "" } });
    const program = [...process.execArgv, fileURLToPath(import.meta.url), file];
    const times = Array.from({ length: RUNS }, () =>
      Number(spawnSync(process.execPath, program, { encoding: "utf8" }).stdout),
    ).sort((a, b) => a - b);
    const [median, longest] = [times[RUNS >> 1]!, times.at(-1)!].map((time) => time.toFixed(1));
    console.log(
      `first adapted prompt of ${statSync(file).size} bytes in ${RUNS} processes: median ${median} ms, longest ${longest} ms`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
