import assert from "node:assert/strict";
import { test } from "node:test";
import { shardsOfShare, shareOf } from "./share.ts";

test("a share is read from the environment of each scheduler", () => {
  assert.deepEqual(shareOf("3/8", {}), { index: 3, count: 8 });
  const slurm = { SLURM_ARRAY_TASK_ID: "12", SLURM_ARRAY_TASK_COUNT: "4", SLURM_ARRAY_TASK_MIN: "10" };
  assert.deepEqual(shareOf("slurm", slurm), { index: 2, count: 4 });
  assert.deepEqual(shareOf("kubernetes", { JOB_COMPLETION_INDEX: "0", JOB_COMPLETIONS: "5" }), { index: 0, count: 5 });
  assert.deepEqual(shareOf("mpi", { OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "2" }), { index: 1, count: 2 });
  assert.deepEqual(shareOf("mpi", { PMI_RANK: "1", PMI_SIZE: "3" }), { index: 1, count: 3 });
});

test("shares do not overlap and cover all shards", () => {
  const shards = Array.from({ length: 11 }, (_, i) => i);
  const shares = [0, 1, 2, 3].map((index) => shardsOfShare(shards, { index, count: 4 }));
  assert.deepEqual(shares[3], [3, 7]);
  assert.deepEqual(
    shares.flat().sort((a, b) => a - b),
    shards,
  );
});

test("an invalid share is refused with valid ones", () => {
  assert.throws(() => shareOf("8/8", {}), /8\/8 gives index 8 of 8 processes; an index goes from 0/);
  assert.throws(() => shareOf("third", {}), /third is not a share; write 0\/8 for the first of eight, or slurm/);
  assert.throws(() => shareOf("slurm", {}), /slurm \(SLURM_ARRAY_TASK_ID, SLURM_ARRAY_TASK_COUNT\) gives index NaN/);
});
