/** An adaptation that is killed or interrupted, and then resumed by a user. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readCheckpointState } from "../../src/learning/checkpoint.ts";
import { writeNoise } from "../eval/small-model.ts";
import { groundling, started, temporaryFolder, writeTinyModel } from "./running.ts";

const folder = temporaryFolder();
const model = join(folder, "model");
const out = (name: string) => join(folder, name);
after(() => rmSync(folder, { recursive: true }));
before(async () => {
  await writeTinyModel(model);
  const images = [0, 1].map((id) => ({ id, file_name: `${id}.png`, width: 64, height: 64 }));
  for (const { file_name } of images) await writeNoise(join(folder, "images", file_name), 64, 64);
  const box = { category_id: 1, bbox: [8, 8, 30, 30], area: 900, iscrowd: 0 };
  const annotations = images.map(({ id }) => ({ id: id + 1, image_id: id, ...box }));
  writeFileSync(
    join(folder, "set.json"),
    JSON.stringify({ images, annotations, categories: [{ id: 1, name: "dog" }] }),
  );
});

function words(name: string, ...more: string[]): string[] {
  const data = ["--data", join(folder, "set.json"), "--model", model, "--size", "64,64", "--retain", "none"];
  const pace = ["--method", "linear", "--steps", "30", "--checkpoint-every", "2"];
  return ["adapt", ...data, ...pace, "--out", out(name), ...more];
}

/** Starts an adaptation and sends it a signal when its checkpoint has reached a step. */
async function endedAt(least: number, signal: NodeJS.Signals, ...given: string[]) {
  const { child, ended, ran } = started(given);
  const file = join(out("killed"), "checkpoint", "last.safetensors");
  while (!existsSync(file) || Number((await readCheckpointState(file)).step) < least) {
    const early = await Promise.race([ended, sleep(10)]);
    assert.ok(!early, ran.stderr);
  }
  child.kill(signal);
  return ended;
}

test("an adaptation that is killed, interrupted and resumed writes the same bytes as an uninterrupted one", async () => {
  const whole = await groundling(words("whole"));
  assert.equal(whole.code, 0, whole.stderr);
  assert.match(whole.stderr, /30\/30 · loss .* left/);
  assert.ok(!existsSync(join(out("whole"), "checkpoint")));
  assert.equal((await endedAt(2, "SIGKILL", ...words("killed"))).code, null);
  const refused = await groundling(words("killed"));
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /contains an adaptation .*; continue it with --resume, or give another folder with --out/,
  );
  const interrupted = await endedAt(8, "SIGINT", ...words("killed", "--resume"));
  assert.equal(interrupted.code, 130, interrupted.stderr);
  assert.match(
    interrupted.stderr,
    /interrupted after \d+ steps, saved in .*; to continue, add --resume to the same command/,
  );
  const end = await groundling(words("killed", "--resume", "--quiet"));
  assert.deepEqual([end.code, end.stderr], [0, ""]);
  const weights = (name: string) => readFileSync(join(out(name), "model", "model.safetensors"));
  assert.ok(weights("killed").equals(weights("whole")));
  const again = await groundling(words("killed", "--resume"));
  assert.deepEqual({ ...again }, { code: 0, stdout: end.stdout, stderr: "" });
});
