import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SmallRandom } from "./fixtures/line.ts";
import { checkpointFile } from "./train.ts";

const root = mkdtempSync(join(tmpdir(), "train-killed-"));
after(() => rmSync(root, { recursive: true }));
const program = fileURLToPath(new URL("./fixtures/line-program.ts", import.meta.url));
const steps = 150;

test("a run killed at random moments and resumed each time ends with the same bits", async () => {
  const whole = join(root, "whole");
  const killed = join(root, "killed");
  assert.equal((await lines(start(whole))).at(-1), `finished at ${steps}`);
  const random = new SmallRandom(5);
  for (let kill = 0; kill < 6; kill++) {
    const child = start(killed);
    const closed = once(child, "close");
    await once(child.stdout!, "data");
    await setTimeout(random.unit() * 80);
    child.kill("SIGKILL");
    await closed;
  }
  assert.equal((await lines(start(killed))).at(-1), `finished at ${steps}`);
  for (const name of ["last", "best"] as const) {
    assert.ok(readFileSync(checkpointFile(whole, name)).equals(readFileSync(checkpointFile(killed, name))), name);
  }
});

test("an interrupted run finishes and saves its step, exits with 130, and resumes after it", async () => {
  const folder = join(root, "interrupted");
  const child = start(folder, "10");
  const end = /^interrupted at (\d+)$/.exec((await lines(child)).at(-1) ?? "");
  assert.ok(end && Number(end[1]) < steps);
  assert.equal(child.exitCode, 130);
  const resumed = await lines(start(folder));
  assert.equal(resumed[0], `step ${Number(end[1]) + 1}`);
  assert.equal(resumed.at(-1), `finished at ${steps}`);
});

function start(folder: string, ...interruptedAt: string[]): ChildProcess {
  const parameters = ["--import", import.meta.resolve("tsx"), program, folder, String(steps), ...interruptedAt];
  return spawn(process.execPath, parameters, { stdio: ["ignore", "pipe", "inherit"] });
}

async function lines(child: ChildProcess): Promise<string[]> {
  const closed = once(child, "close");
  const all: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) all.push(line);
  await closed;
  return all;
}
