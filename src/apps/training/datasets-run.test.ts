import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadWorld, writeSceneDataset } from "../../data/scenes/index.ts";
import { Order } from "../../data/training/order.ts";
import { readSource } from "../../data/training/sources.ts";
import { readCheckpoint } from "../../learning/checkpoint.ts";
import { readLog } from "../../learning/log.ts";
import { readRecipe } from "./recipe.ts";
import { runRecipe } from "./run.ts";

const root = mkdtempSync(join(tmpdir(), "datasets-run-"));
after(() => rmSync(root, { recursive: true }));
const recipe = fileURLToPath(new URL("../../../recipes/from-disk.json", import.meta.url));
const set = join(root, "set");
const files = ["instances", "grounding"].map((name) => ({ data: join(set, `${name}.json`), weight: 1 }));
/** The recipe with a model of few weights and a set of few pictures; dropout on, so that every state takes part. */
const small = {
  "model.backbone": { embedDim: 8, depths: [1, 1, 1, 1], heads: [1, 1, 2, 2], window: 4, dropPathRate: 0.1 },
  "model.channels": 16,
  "model.steps": 1,
  "model.fusion": { width: 16, heads: 2 },
  "data.sources": files,
  "data.heldOut.data": files[0]!.data,
  "data.sizes": [48, 64],
  "data.longest": 64,
  "data.pictures": 2,
  shards: 1,
  dropout: true,
  steps: 8,
  warmup: 2,
  checkpointEvery: 1,
  evaluateEvery: 4,
  evaluatePictures: 2,
};
const overrides = Object.entries(small).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
const train = (folder: string, resume = false, more: string[] = []) =>
  runRecipe(readRecipe(recipe, [...overrides, ...more]), { folder: join(root, folder), resume, sprites: root });
const last = (folder: string) => readFileSync(join(root, folder, "last.safetensors"));

before(async () => {
  const world = loadWorld(join(root, "sprites"), { names: "everyday" });
  await writeSceneDataset(world, { folder: set, count: 8, seed: 1, size: 64, form: "boxes" });
});

test("a damaged picture ends a run with its name and a checkpoint; after its repair, the resumed run ends with the same bits", async () => {
  await train("whole");
  const scores = readLog(join(root, "whole", "log.jsonl")).filter(({ kind }) => kind === "evaluation");
  assert.deepEqual(
    scores.map((entry) => [entry.step, Object.keys((entry as { metrics: object }).metrics).join()]),
    [4, 8].map((step) => [step, "AP,AP50,AR100"]),
  );

  const { picture, job } = await pictureSeenLast();
  assert.ok(job >= 2 && job < 8, `first seen in batch ${job}`);
  copyFileSync(picture, join(root, "kept.png"));
  writeFileSync(picture, readFileSync(picture).subarray(0, 100));
  const named = (problem: RegExp) => (error: Error) => {
    assert.equal(error.name, "InputError");
    assert.ok(error.message.includes(picture.slice(set.length + 8)), error.message);
    assert.match(error.message, problem);
    return true;
  };
  await assert.rejects(train("broken"), named(/damaged|no picture/));
  const kept = last("broken");
  assert.equal((await readCheckpoint(join(root, "broken", "last.safetensors"))).state.step, job);

  rmSync(picture);
  await assert.rejects(train("broken", true), named(/1 of 8 pictures are missing/));
  assert.ok(last("broken").equals(kept));
  renameSync(join(root, "kept.png"), picture);

  await train("broken", true);
  assert.ok(last("broken").equals(last("whole")));
});

test("malformed or missing annotations end a run with their name and leave its checkpoint unchanged", async () => {
  const kept = last("whole");
  const bad = join(set, "bad.json");
  const refused = (override: string, value: unknown, message: RegExp) =>
    assert.rejects(train("whole", true, ["steps=9", `${override}=${JSON.stringify(value)}`]), {
      ...{ name: "InputError", message },
    });
  await refused("data.heldOut.data", join(set, "gone.json"), /gone\.json/);
  writeFileSync(bad, readFileSync(files[0]!.data, "utf8").replace(/"category_id":\d+/, '"category_id":999'));
  await refused(
    "data.sources",
    [{ data: bad, weight: 1 }],
    /bad\.json \$\.annotations\[0\]: there is no category with the id 999/,
  );
  writeFileSync(bad, "{");
  await refused("data.sources", [{ data: bad, weight: 1 }], /bad\.json/);
  assert.ok(last("whole").equals(kept));
});

test("a run without a validation set trains and evaluates nothing", async () => {
  const raw = JSON.parse(readFileSync(recipe, "utf8"));
  raw.data.heldOut = undefined;
  const file = join(root, "plain.json");
  writeFileSync(file, JSON.stringify(raw));
  const given = overrides.filter((override) => !override.startsWith("data.heldOut"));
  const { step, best } = await runRecipe(readRecipe(file, [...given, "steps=1"]), {
    ...{ folder: join(root, "plain"), resume: false, sprites: root },
  });
  assert.deepEqual([step, best], [1, undefined]);
});

test("a Dynamic Head is trained on the classes of its datasets, stores them in its checkpoint, and refuses captions", async () => {
  const plain = fileURLToPath(new URL("../../../recipes/dynamic-head.json", import.meta.url));
  const { "model.fusion": _, ...fitting } = small;
  const run = (folder: string, sources: object[], steps: number) =>
    runRecipe(
      readRecipe(
        plain,
        Object.entries({ ...fitting, steps, "data.sources": sources }).map(
          ([key, value]) => `${key}=${JSON.stringify(value)}`,
        ),
      ),
      { folder: join(root, folder), resume: false, sprites: root },
    );
  await assert.rejects(run("captions", files, 1), { name: "InputError", message: /caption/ });
  await run("fixed", files.slice(0, 1), 2);
  const { weights, state } = await readCheckpoint(join(root, "fixed", "last.safetensors"));
  const { names } = await readSource(files[0]!);
  assert.deepEqual((state.recipe as { model: { classes: string[] } }).model.classes, names);
  assert.equal(weights.get("rpn.head.cls_logits.bias")!.length, names.length);
});

test("a folder that cannot be created is named before training", async () => {
  writeFileSync(join(root, "file"), "");
  await assert.rejects(train("file/run"), { name: "InputError", message: /file.run: cannot be written \(\w+\)/ });
});

const mounts = spawnSync("unshare", ["--map-root-user", "--mount", "true"]).status === 0;
const skip = mounts || process.env.CI === "true" ? false : "a small disk needs a Linux where one may mount";
test("a full disk ends the run with the file's name and leaves the last checkpoint intact", {
  skip,
}, async () => {
  const disk = mkdtempSync(join(root, "disk-"));
  const program = fileURLToPath(new URL("../cli/main.ts", import.meta.url));
  const given = overrides.flatMap((override) => ["-o", override]);
  const command = [process.execPath, "--import", import.meta.resolve("tsx"), program, "train", recipe, ...given];
  // The disk holds one checkpoint, and not a second one beside it. It is gone with the namespace, so the checkpoint is copied out.
  const script = `
    mount -t tmpfs -o size=${Math.round(1.6 * last("whole").length)} tmpfs "$0" || exit 99
    "$@" --out "$0/run"; code=$?
    cp "$0/run/last.safetensors" "${root}/from-full.safetensors" && ls -a "$0/run" && exit $code`;
  const { status, stdout, stderr } = spawnSync(
    "unshare",
    ["--map-root-user", "--mount", "sh", "-c", script, disk, ...command],
    { encoding: "utf8" },
  );
  assert.match(stderr, /groundling: \S+run.last\.safetensors: cannot be written \(ENOSPC\); free some space/);
  assert.equal(status, 1);
  assert.ok(!stdout.includes(".part"), stdout);
  assert.equal((await readCheckpoint(join(root, "from-full.safetensors"))).state.step, 1);
});

/** The picture that comes first in the latest batch, and that batch's number. */
async function pictureSeenLast(): Promise<{ picture: string; job: number }> {
  const { seed } = readRecipe(recipe);
  const sources = await Promise.all(files.map(({ data }) => readSource({ data })));
  const ordered = sources.map(({ examples }) => ({ weight: 1, upright: examples.map(() => false) }));
  const order = new Order(ordered, 2, seed);
  const first = new Map<string, number>();
  for (let job = 0; job < order.batchesPerEpoch; job++)
    for (const { source, example } of order.batch(job)) {
      const { picture } = sources[source]!.examples[example]!;
      if (!first.has(picture)) first.set(picture, job);
    }
  const [picture, job] = [...first].sort(([, a], [, b]) => b - a)[0]!;
  return { picture, job };
}
