import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import sharp from "sharp";
import { hasGoldenModel, writeGoldenModel, writeNoise, writeRandomModel } from "./small-model.ts";

const root = mkdtempSync(join(tmpdir(), "groundling-killed-"));
after(() => rmSync(root, { recursive: true }));
const program = join(import.meta.dirname, "..", "..", "src", "apps", "cli", "main.ts");

/** Runs the program; with `until`, kills it without warning once the condition is true. */
async function evaluate(detections: string, until?: () => boolean): Promise<string> {
  const paths = ["--data", join(root, "set.json"), "--model", join(root, "model"), "--detections", detections];
  const child = spawn(
    process.execPath,
    ["--import", "tsx", program, "eval", ...paths, "--workers", "2", "--format", "json"],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  let printed = "";
  child.stdout.on("data", (chunk) => {
    printed += chunk;
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once("close", (_, signal) => resolve(signal)));
  if (until) {
    while (!until() && child.exitCode === null) await sleep(5);
    child.kill("SIGKILL");
  }
  assert.equal(await ended, until ? "SIGKILL" : null);
  return printed;
}

test("a killed evaluation continues where it stopped and ends with the same bytes", async () => {
  await (hasGoldenModel ? writeGoldenModel : writeRandomModel)(join(root, "model"));
  const images = Array.from({ length: 16 }, (_, i) => ({ id: i, file_name: `${i}.png`, width: 90 + i, height: 80 }));
  for (const { file_name, width, height } of images) await writeNoise(join(root, "images", file_name), width, height);
  const annotations = images.map(({ id }) => ({
    id: id + 1,
    image_id: id,
    category_id: 1 + (id % 2),
    bbox: [id, 10, 40, 40],
    area: 1600,
    iscrowd: 0,
  }));
  const categories = ["dog", "cat"].map((name, i) => ({ id: i + 1, name }));
  writeFileSync(join(root, "set.json"), JSON.stringify({ images, annotations, categories }));

  const [whole, broken] = [join(root, "whole.jsonl"), join(root, "broken.jsonl")];
  const part = `${broken}.part`;
  const lines = () => (existsSync(part) ? readFileSync(part, "utf8").split("\n").length - 1 : 0);
  const printed = await evaluate(whole);
  // The last pictures are large until the kill: each takes seconds to read, so the evaluation cannot end before.
  const last = images.slice(8).map(({ file_name }) => join(root, "images", file_name));
  const large = await sharp({ create: { width: 6000, height: 6000, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  for (const file of last) {
    renameSync(file, `${file}.kept`);
    writeFileSync(file, large);
  }
  await evaluate(broken, () => lines() >= 4);
  for (const file of last) renameSync(`${file}.kept`, file);
  assert.ok(!existsSync(broken), "nothing is there before it is whole");
  assert.ok(lines() < 1 + images.length, "it was killed on its way");
  assert.equal(await evaluate(broken), printed);
  assert.deepEqual(readFileSync(broken), readFileSync(whole));
});
