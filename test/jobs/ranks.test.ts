import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { sharedRecipe } from "../../src/apps/training/ranks-of-run.ts";
import { readRecipe } from "../../src/apps/training/recipe.ts";
import { runRecipe } from "../../src/apps/training/run.ts";
import { loadWorld, writeSceneDataset } from "../../src/data/scenes/index.ts";
import { program, repository } from "../cli/running.ts";
import { smallTraining } from "./small-training.ts";

const root = mkdtempSync(join(tmpdir(), "groundling-ranks-"));
after(() => rmSync(root, { recursive: true, force: true }));
const set = join(root, "set");
/** A model of few weights on pictures of two sizes, with dropout, so that every state takes part. */
const overrides = Object.entries({
  "model.backbone": { embedDim: 8, depths: [1, 1, 1, 1], heads: [1, 1, 2, 2], window: 4, dropPathRate: 0.1 },
  "model.channels": 16,
  "model.steps": 1,
  "model.fusion": { width: 16, heads: 2 },
  "data.sources": [{ data: join(set, "instances.json"), weight: 1 }],
  "data.heldOut.data": join(set, "instances.json"),
  evaluatePictures: 1,
  "data.sizes": [48, 64],
  "data.longest": 64,
  "data.pictures": 3,
  shards: 1,
  dropout: true,
  warmup: 2,
  checkpointEvery: 1000,
  evaluateEvery: 1000,
}).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
const loader = program.slice(0, 2);
const recipe = join(repository, "recipes/from-disk.json");

before(async () => {
  const world = loadWorld(join(root, "sprites"), { names: "everyday" });
  await writeSceneDataset(world, { folder: set, count: 8, seed: 1, size: 64, form: "boxes" });
});

interface Job {
  child: ChildProcess;
  folder: string;
  ended: Promise<{ code: number | null; stderr: string }>;
}

/** Starts `mpirun -n RANKS groundling train`. */
function job(ranks: number, name: string, more: readonly string[]): Job {
  const folder = join(root, name);
  const words = [...overrides, ...more].flatMap((pair) => ["-o", pair]);
  return { ...inRanks(ranks, [...program, "train", recipe, ...words, "--out", folder]), folder };
}

/** Starts a program of Node in ranks. */
function inRanks(ranks: number, words: readonly string[]): Omit<Job, "folder"> {
  // Seconds before and after SIGTERM; Open MPI's default, one, may be too short for a busy machine.
  const mpi = ["--allow-run-as-root", "--oversubscribe", "--mca", "odls_base_sigkill_timeout", "4", "-n", `${ranks}`];
  const child = spawn("mpirun", [...mpi, process.execPath, ...words], {
    cwd: repository,
    env: { ...process.env, NO_COLOR: "1" },
  });
  let stderr = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (stderr += text));
  const ended = new Promise<{ code: number | null; stderr: string }>((done) =>
    child.on("close", (code) => done({ code, stderr })),
  );
  return { child, ended };
}

/** The same run in this process, with shards instead of ranks. */
async function inShards(name: string, more: readonly string[], resume = false): Promise<Buffer> {
  const folder = join(root, name);
  const options = { folder, resume, sprites: root, quiet: true };
  await runRecipe(readRecipe(recipe, [...overrides, ...more]), options);
  return readFileSync(join(folder, "last.safetensors"));
}

for (const [ranks, shards] of [
  [2, 2],
  [3, 3],
  [2, 4],
] as const)
  test(`${ranks} ranks end with the bits of ${shards} shards of one process`, async () => {
    const [folder, expected] = ["ranks", "shards"].map((kind) => join(root, `${kind} ${ranks} ${shards}`)) as [
      string,
      string,
    ];
    const small = join(import.meta.dirname, "small-training.ts");
    const { code, stderr } = await inRanks(ranks, [...loader, small, `${shards}`, "10", folder]).ended;
    assert.equal(code, 0, stderr);
    await smallTraining({ shards, steps: 10, folder: expected });
    const last = (place: string) => readFileSync(join(place, "last.safetensors"));
    assert.ok(last(folder).equals(last(expected)));
  });

test("a killed rank ends the job with a checkpoint, from which another number of ranks continues to the same bits", async () => {
  const more = ["steps=12", "shards=2", "data.pictures=2"];
  const { child, folder, ended } = job(2, "killed", more);
  const log = join(folder, "log.jsonl");
  while (child.exitCode === null && !(existsSync(log) && readFileSync(log, "utf8").split("\n").length >= 3))
    await pause(20);
  process.kill(processOfRank(1, child.pid!), "SIGKILL");
  const { code, stderr } = await ended;
  assert.notEqual(code, 0);
  assert.match(
    stderr,
    /^groundling: rank 0 of 2: the other ranks have ended; to continue: groundling train .* --resume/m,
  );
  const resumed = await inShards("killed", more, true);
  assert.ok(resumed.equals(await inShards("two shards", more)));
});

test("a run that ranks cannot share is refused, and its shards become a multiple of the ranks", () => {
  const asked = readRecipe(recipe, overrides);
  assert.equal(sharedRecipe(asked, { count: 3 }).shards, 3);
  assert.throws(
    () => sharedRecipe(asked, { count: 4 }),
    /4 shards for 4 ranks need a batch of at least 4 pictures, and data.pictures is 3; use fewer ranks/,
  );
  assert.throws(
    () => sharedRecipe({ ...asked, contrast: 1 }, { count: 2 }),
    /contrast compares all pictures of a batch/,
  );
});

/** The process id of a rank of a job. */
function processOfRank(rank: number, mpirun: number): number {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    try {
      const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
      if (parent === mpirun && environment.includes(`OMPI_COMM_WORLD_RANK=${rank}`)) return Number(pid);
    } catch {
      // Ended meanwhile.
    }
  throw new Error(`rank ${rank} was not found`);
}
