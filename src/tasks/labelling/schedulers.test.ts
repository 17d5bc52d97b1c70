import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import type { Job } from "kubernetes-types/batch/v1.js";
import type { Container } from "kubernetes-types/core/v1.js";
import { schedulers } from "./schedulers.ts";

const words = ["pseudo-label", "it's here", "--emit", "slurm", "--out", "result", "--tasks=4", "--threshold", "0.5"];

test("a Slurm script is an array whose tasks run the same command on their shares", () => {
  const { file, text } = schedulers.slurm(words, 4);
  assert.equal(file, "pseudo-label.sbatch");
  assert.match(text, /^#SBATCH --array=0-3$/m);
  // The shell must read the arguments back unchanged.
  const printed = text.replace("exec npx groundling", "printf '%s|'").replace(/^cd .*$/m, "");
  const { stdout } = spawnSync("bash", ["-c", printed], { encoding: "utf8" });
  assert.equal(stdout, "pseudo-label|it's here|--out|result|--threshold|0.5|--shard-of|slurm|");
});

test("a Kubernetes manifest is an indexed job that states its number of tasks", () => {
  // The compiler checks the fields of batch/v1 and core/v1.
  const { apiVersion, kind, metadata, spec } = JSON.parse(schedulers.kubernetes(words, 4).text) as Job;
  assert.deepEqual([apiVersion, kind], ["batch/v1", "Job"]);
  assert.match(metadata!.name!, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
  const { completionMode, completions, parallelism, maxFailedIndexes, template } = spec!;
  assert.deepEqual([completionMode, completions, parallelism, maxFailedIndexes], ["Indexed", 4, 4, 4]);
  // Failures are counted per index, which requires that pods do not restart themselves.
  const { restartPolicy, containers, volumes } = template.spec!;
  assert.equal(restartPolicy, "Never");
  const [{ command, env, volumeMounts }] = containers as [Container];
  assert.deepEqual(command!.slice(0, 4), ["npx", "groundling", "pseudo-label", "it's here"]);
  assert.deepEqual(command!.slice(-2), ["--shard-of", "kubernetes"]);
  assert.deepEqual(env, [{ name: "JOB_COMPLETIONS", value: "4" }]);
  assert.deepEqual(
    volumeMounts!.map(({ name }) => name),
    volumes!.map(({ name }) => name),
  );
});
