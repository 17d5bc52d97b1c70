/** Ctrl-C and SIGTERM: finished results stay, and no temporary files are left. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import sharp from "sharp";
import { duckdb, fileLiteral } from "../../src/data/duckdb.ts";
import { needsRegionClip, regionClipFolder } from "../parity/golden-regionclip.ts";
import { type Running, started, startedInTerminal, temporaryFolder, writeTinyModel } from "./running.ts";

const folder = temporaryFolder();
const temporary = join(folder, "tmp");
const model = join(folder, "model");
let picture: Buffer;
/** Requests that wait for their picture. */
const waiting: ServerResponse[] = [];
const server = createServer((request, response) => {
  if (request.url?.startsWith("/slow")) waiting.push(response);
  else response.end(picture);
});

before(async () => {
  mkdirSync(temporary);
  await writeTinyModel(model);
  const data = Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * 91) % 256);
  picture = await sharp(data, { raw: { width: 64, height: 64, channels: 3 } })
    .png()
    .toBuffer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});
after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** Arguments with two pictures; the second is sent when `answer` is called. */
function question(...more: string[]): string[] {
  const { port } = server.address() as AddressInfo;
  const images = ["fast", "slow", "never"].map((name) => `http://127.0.0.1:${port}/${name}.png`);
  return ["detect", ...images, "--model", model, "--classes", "dog", "--threshold", "0.2", ...more];
}

/** Interrupts when the first result is printed and the second picture is awaited, which then arrives. */
async function interrupted(
  { ran, ended }: Running,
  interrupt: () => void,
  { firstCame, heard = () => true }: { firstCame: () => boolean; heard?: () => boolean },
) {
  while (!firstCame() || waiting.length === 0) {
    const early = await Promise.race([ended, sleep(5)]);
    assert.ok(!early, ran.stdout + ran.stderr);
  }
  interrupt();
  while (!heard()) await sleep(5);
  for (const response of waiting.splice(0)) response.end(picture);
  return ended;
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)
  test(`${signal} leaves the lines of all finished pictures, reports their number, and deletes the temporary weights`, async () => {
    const out = join(folder, signal);
    const running = started(question("--format", "jsonl", "--out", out), { env: { TMPDIR: temporary } });
    const lines = () => running.ran.stdout.split("\n").length - 1;
    const kill = () => running.child.kill(signal);
    const ended = await interrupted(running, kill, { firstCame: () => lines() === 1 });
    assert.equal(ended.code, code, ended.stderr);
    assert.equal(lines(), 2);
    assert.equal(readFileSync(join(out, "detections.jsonl"), "utf8"), ended.stdout);
    assert.match(ended.stderr, /groundling: interrupted after 2 of 3 pictures/);
    assert.deepEqual(weightsLeft(), []);
  });

test("a format with one document has the finished pictures", async () => {
  const out = join(folder, "fiftyone");
  const running = started(question("--format", "fiftyone", "--out", out), { env: { TMPDIR: temporary } });
  const ended = await interrupted(running, () => running.child.kill("SIGINT"), { firstCame: () => true });
  assert.equal(ended.code, 130);
  assert.deepEqual(Object.keys(JSON.parse(ended.stdout).labels), ["fast", "slow"]);
  assert.ok(existsSync(join(out, "labels.json")));
});

test("regions writes the regions of the finished pictures", { skip: needsRegionClip }, async () => {
  const { port } = server.address() as AddressInfo;
  const images = ["fast", "slow", "never"].map((name) => `http://127.0.0.1:${port}/${name}.png`);
  const checkpoint = join(regionClipFolder, "checkpoint.pth");
  const out = join(folder, "regions.parquet");
  const words = ["regions", ...images, "--model", checkpoint, "--size", "64,64", "--regions", "3", "--out", out];
  const running = started(words, { env: { TMPDIR: temporary } });
  const ended = await interrupted(running, () => running.child.kill("SIGINT"), { firstCame: () => true });
  assert.equal(ended.code, 130, ended.stderr);
  assert.match(ended.stderr, /groundling: interrupted after 2 of 3 pictures, whose regions are in .*regions\.parquet/);
  const rows = await (await duckdb()).runAndReadAll(`SELECT DISTINCT image FROM read_parquet(${fileLiteral(out)})`);
  assert.deepEqual(
    rows
      .getRowObjectsJson()
      .map(({ image }) => image)
      .sort(),
    images.slice(0, 2),
  );
  assert.deepEqual(weightsLeft(), []);
});

test("in a terminal each table is printed at once, and Ctrl-C restores the line wrap", async () => {
  const running = startedInTerminal(question(), { env: { TMPDIR: temporary } });
  const ended = await interrupted(running, () => running.child.stdin!.write("\x03"), {
    firstCame: () => /fast\.png \(64 × 64\)/.test(running.ran.stdout),
    // The terminal echoes the key when it sends the signal.
    heard: () => running.ran.stdout.includes("^C"),
  });
  assert.equal(ended.code, 130);
  assert.match(ended.stdout, /slow\.png \(64 × 64\)/);
  const wraps = [...ended.stdout.matchAll(/\[\?7([hl])/g)].map(([, wrap]) => wrap);
  assert.ok(wraps.includes("l"), "the bar was drawn");
  assert.equal(wraps.at(-1), "h");
  assert.doesNotMatch(ended.stdout, /\[\?25l/);
  assert.deepEqual(weightsLeft(), []);
});

test("an evaluation keeps its results, says how to continue, and deletes the temporary weights", async () => {
  const place = join(folder, "set");
  mkdirSync(join(place, "images"), { recursive: true });
  writeFileSync(join(place, "images", "one.png"), picture);
  const images = Array.from({ length: 1000 }, (_, id) => ({ id, file_name: "one.png", width: 64, height: 64 }));
  const box = { id: 1, image_id: 0, category_id: 1, bbox: [4, 4, 20, 20], area: 400, iscrowd: 0 };
  const truth = { images, annotations: [box], categories: [{ id: 1, name: "dog" }] };
  writeFileSync(join(place, "annotations.json"), JSON.stringify(truth));
  const detections = join(place, "found.jsonl");
  const words = ["eval", "--data", place, "--model", model, "--detections", detections, "--workers", "2"];
  const { child, ran, ended } = started(words, { env: { TMPDIR: temporary } });
  const lines = () =>
    existsSync(`${detections}.part`) ? readFileSync(`${detections}.part`, "utf8").split("\n").length - 1 : 0;
  while (lines() < 4) {
    const early = await Promise.race([ended, sleep(10)]);
    assert.ok(!early, ran.stderr);
  }
  child.kill("SIGINT");
  const { code, stdout, stderr } = await ended;
  assert.deepEqual([code, stdout], [130, ""]);
  assert.match(
    stderr,
    /interrupted after \d+ of 1000 pictures, saved in .*found\.jsonl\.part; run the same command again/,
  );
  assert.match(readFileSync(`${detections}.part`, "utf8"), /\n$/);
  assert.ok(!existsSync(detections));
  assert.deepEqual(weightsLeft(), []);
});

function weightsLeft(): string[] {
  return readdirSync(temporary).filter((name) => name.startsWith("groundling"));
}
