import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { schedulers } from "./schedulers.ts";

const words = ["pseudo-label", "it's here", "--emit", "slurm", "--out", "result", "--tasks=4", "--threshold", "0.5"];

test("a Slurm script is an array whose tasks run the same command on their shares", () => {
  const { file, text } = schedulers.slurm(words, 4);
  assert.equal(file, "pseudo-label.sbatch");
  assert.match(text, /^#SBATCH --array=0-3$/m);
  // The shell reads back the words as they were.
  const printed = text.replace("exec npx groundling", "printf '%s|'").replace(/^cd .*$/m, "");
  const { stdout } = spawnSync("bash", ["-c", printed], { encoding: "utf8" });
  assert.equal(stdout, "pseudo-label|it's here|--out|result|--threshold|0.5|--shard-of|slurm|");
});

test("a Kubernetes manifest is an indexed job that says how many there are", () => {
  const { text } = schedulers.kubernetes(words, 4);
  const command = JSON.parse(/command: (.*)/.exec(text)![1]!);
  assert.deepEqual(command.slice(0, 4), ["npx", "groundling", "pseudo-label", "it's here"]);
  assert.deepEqual(command.slice(-2), ["--shard-of", "kubernetes"]);
  assert.match(text, /completionMode: Indexed\n {2}completions: 4\n/);
  assert.match(text, /name: JOB_COMPLETIONS\n {14}value: "4"/);
});
