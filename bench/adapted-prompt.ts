/**
 * How long an adapted prompt takes to be read from its file, so that it can be asked by: `npx tsx bench/adapted-prompt.ts`. The vectors
 * are those of 40 tokens of a published GLIP, 768 wide.
 */

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAdapted } from "../src/tasks/grounding/adapted-file.ts";
import { writeAdaptedPrompt } from "../src/tasks/grounding/adapted-prompt.ts";

const RUNS = 50;
const folder = mkdtempSync(join(tmpdir(), "bench-prompt-"));
try {
  const file = join(folder, "prompt.safetensors");
  await writeAdaptedPrompt(file, {
    classes: ["person", "dog"],
    vectors: new Float32Array(40 * 768),
    tokens: 40,
    inPlace: false,
    base: { name: "none", mark: "" },
  });
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now();
    await readAdapted(file);
    times.push(performance.now() - start);
  }
  const sorted = times.toSorted((a, b) => a - b);
  const milliseconds = (value: number) => value.toFixed(2);
  console.log(
    `adapted prompt of ${statSync(file).size} bytes: first ${milliseconds(times[0]!)} ms, median ${milliseconds(sorted[RUNS >> 1]!)} ms, longest ${milliseconds(sorted[RUNS - 1]!)} ms`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
