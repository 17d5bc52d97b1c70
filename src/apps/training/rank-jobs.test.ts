import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { rankJobs } from "./rank-jobs.ts";

const words = ["train", "my recipe.json", "--emit", "slurm", "--tasks=4", "--out", "runs/mine"];

test("the script for Slurm is valid shell and trains in as many ranks as tasks", () => {
  const { file, text } = rankJobs.slurm(words, 4);
  assert.equal(file, "train.sbatch");
  assert.equal(spawnSync("bash", ["-n"], { input: text }).status, 0);
  assert.match(text, /^#SBATCH --ntasks=4$/m);
  assert.match(text, /^exec mpirun -n 4 npx groundling train 'my recipe.json' --out runs\/mine --resume$/m);
});

test("the manifest for Kubernetes has a worker for each rank", () => {
  const { kind, spec } = JSON.parse(rankJobs.kubernetes([...words, "--resume"], 3).text);
  assert.equal(kind, "MPIJob");
  const { Launcher, Worker } = spec.mpiReplicaSpecs;
  assert.equal(Worker.replicas, 3);
  assert.deepEqual(Launcher.template.spec.containers[0].command, [
    ...["mpirun", "-n", "3", "npx", "groundling", "train", "my recipe.json", "--out", "runs/mine", "--resume"],
  ]);
});
