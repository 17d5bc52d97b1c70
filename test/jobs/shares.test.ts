/** Fixed shares of the work, from the scheduler's environment: MPI itself, and the job files for Slurm and Kubernetes. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";
import type { Job } from "kubernetes-types/batch/v1.js";
import { repository, temporaryFolder } from "../cli/running.ts";
import { bytesOf, type Labelling, label, program, shardsDone, wordsOf, writePairs } from "./processes.ts";

const root = temporaryFolder();
const SHARDS = 10;
const TASKS = 3;
let pairs: Labelling;
let expected: Record<string, string>;
before(async () => {
  pairs = await writePairs(root, SHARDS);
  const alone = label(pairs, join(root, "alone"));
  assert.equal(await alone.ended, 0, alone.said());
  expected = bytesOf(join(root, "alone"));
  // `npx groundling`, as in a folder with Groundling installed.
  mkdirSync(join(root, "bin"));
  const words = program.map((word) => `'${word}'`).join(" ");
  const npx = `#!/bin/sh\n[ "$1" = groundling ] && shift && cd '${repository}' && exec ${words} "$@"\n`;
  writeFileSync(join(root, "bin", "npx"), npx);
  chmodSync(join(root, "bin", "npx"), 0o755);
});
after(() => rmSync(root, { recursive: true }));

function perform(command: readonly string[], environment: Record<string, string>): void {
  const path = `${join(root, "bin")}${delimiter}${process.env["PATH"]}`;
  execFileSync(command[0]!, command.slice(1), { env: { ...process.env, PATH: path, ...environment }, stdio: "pipe" });
}

/** The text of a job file for this result; the file is deleted. */
function jobFile(scheduler: string, out: string): string {
  const words = wordsOf(pairs, out, ["--emit", scheduler, "--tasks", String(TASKS)]);
  const [node, ...loader] = program;
  const file = execFileSync(node!, [...loader, ...words], { cwd: repository, encoding: "utf8" }).trim();
  const text = readFileSync(file, "utf8");
  rmSync(file);
  return text;
}

test("three ranks of mpirun label a third each, and the result is that of one process", () => {
  const out = join(root, "mpi");
  const ranks = ["--allow-run-as-root", "--oversubscribe", "-n", String(TASKS)];
  const words = [...ranks, ...program, ...wordsOf(pairs, out, ["--shard-of", "mpi"])];
  const ran = spawnSync("mpirun", words, { cwd: repository, encoding: "utf8" });
  if (ran.error) throw new Error("this test needs mpirun (Debian: apt-get install openmpi-bin)");
  assert.equal(ran.status, 0, ran.stderr);
  assert.deepEqual(bytesOf(out), expected);
});

test("the tasks of a Slurm script, done in any order, give the result of one process", () => {
  const out = join(root, "slurm");
  const text = jobFile("slurm", out);
  const [, first, last] = /^#SBATCH --array=(\d+)-(\d+)$/m.exec(text)!.map(Number) as [number, number, number];
  assert.equal(last - first + 1, TASKS);
  const script = join(root, "job.sbatch");
  writeFileSync(script, text);
  for (let task = last; task >= first; task--) {
    perform(["bash", script], {
      SLURM_SUBMIT_DIR: root,
      SLURM_ARRAY_TASK_ID: String(task),
      SLURM_ARRAY_TASK_COUNT: String(TASKS),
      SLURM_ARRAY_TASK_MIN: String(first),
    });
    if (task > first) assert.ok(shardsDone(out) < SHARDS);
  }
  assert.deepEqual(bytesOf(out), expected);
});

test("the indexes of a Kubernetes job do its command with its environment, and give the result of one process", () => {
  const out = join(root, "kubernetes");
  const { spec } = JSON.parse(jobFile("kubernetes", out)) as Job;
  const { command, env } = spec!.template.spec!.containers[0]!;
  const environment = Object.fromEntries(env!.map(({ name, value }) => [name, value!]));
  for (let index = 0; index < spec!.completions!; index++)
    perform(command!, { ...environment, JOB_COMPLETION_INDEX: String(index) });
  assert.deepEqual(bytesOf(out), expected);
});
