import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Command } from "commander";
import { commands } from "../../src/apps/cli/commands.ts";
import { groundling } from "./running.ts";

const folder = mkdtempSync(join(tmpdir(), "groundling-devices-"));
after(() => rmSync(folder, { recursive: true, force: true }));
/** Vulkan finds no driver. */
const noAdapter = { VK_ICD_FILENAMES: join(folder, "none.json"), XDG_RUNTIME_DIR: folder };
const photo = "examples/photos/coffee.jpg";

test("every command that runs a model has --device, and no other", async () => {
  const has: string[] = [];
  for (const [name, { load }] of Object.entries(commands)) {
    const program = new Command();
    (await load())(program);
    const own = program.commands.find((command) => command.name() === name)!;
    if (own.options.some(({ long }) => long === "--device")) has.push(name);
  }
  const runs =
    "adapt answer classify describe detect doctor embed eval ground index pseudo-label regions search segment track train".split(
      " ",
    );
  assert.deepEqual(has.sort(), runs);
});

for (const words of [
  ["detect", photo, "--prompt", "cup."],
  ["train", "first-world", "--out", join(folder, "run")],
  ["eval", "--data", "assets/general/instances.json", "--detections", join(folder, "found.jsonl")],
])
  test(`${words[0]} on a device that is not there ends with one sentence`, async () => {
    const { code, stdout, stderr } = await groundling([...words, "--device", "webgpu"], { env: noAdapter });
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.equal(
      stderr,
      "groundling: device webgpu is not available here (ONNX Runtime finds no GPU with a driver for Vulkan, Metal or Direct3D 12); leave out the device to run on the CPU\n",
    );
  });

test("--device auto runs on the CPU where there is nothing else", async () => {
  const { code, stderr } = await groundling(["detect", photo, "--prompt", "cup.", "--device", "auto"], {
    env: noAdapter,
  });
  assert.equal(code, 0);
  assert.match(stderr, /^device: cpu\n/);
});

test("doctor tells what the machine has", async () => {
  const { code, stdout } = await groundling(["doctor", "--json"], { env: noAdapter });
  assert.equal(code, 0);
  const { node, devices, programs, packages, memory } = JSON.parse(stdout);
  assert.equal(node, process.versions.node);
  assert.ok(memory.total >= memory.free && memory.free > 0);
  const byName = (list: { name: string }[], name: string) => list.find((one) => one.name === name) as never;
  const { problem, milliseconds } = devices.find(({ device }: { device: string }) => device === "cpu");
  assert.equal(problem, undefined);
  assert.ok(milliseconds > 0);
  assert.match(devices.find(({ device }: { device: string }) => device === "webgpu").problem, /finds no GPU/);
  const { version } = byName(programs, "ffmpeg") as { version: string };
  assert.ok(execFileSync("ffmpeg", ["-version"], { encoding: "utf8" }).startsWith(`ffmpeg version ${version}`));
  assert.equal((byName(packages, "bullmq") as { version: string }).version, "6.7.0");
});

test("doctor says how to install what is missing", async () => {
  const { code, stdout } = await groundling(["doctor"], { env: { ...noAdapter, PATH: folder } });
  assert.equal(code, 0);
  assert.match(stdout, /^ffmpeg +not installed \(for video; apt-get install ffmpeg/m);
  assert.match(stdout, /^device webgpu +is not available here \(ONNX Runtime finds no GPU.*\)$/m);
});
