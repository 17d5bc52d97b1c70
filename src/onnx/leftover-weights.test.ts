import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const root = mkdtempSync(join(tmpdir(), "leftover-weights-"));
after(() => rmSync(root, { recursive: true }));

/** A process that stores weights in the temporary folder `root` and then waits. */
async function storing() {
  const module = new URL("./stored-weights.ts", import.meta.url).href;
  const text = `import { storeWeights } from ${JSON.stringify(module)};
    await storeWeights([["a", Float32Array.of(1)]]);
    console.log("stored");
    setInterval(() => {}, 1000);`;
  const words = ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", text];
  const child = spawn(process.execPath, words, { env: { ...process.env, TMPDIR: root }, stdio: ["ignore", "pipe", 2] });
  await once(child.stdout!, "data");
  return child;
}

test("weights of a killed process are deleted by the next process, and those of a running one are kept", async () => {
  const others = join(root, "groundling-weights.part-01234567-1-abcdef");
  mkdirSync(others);
  const [living, killed] = [await storing(), await storing()];
  const left = () => readdirSync(root).filter((name) => name.startsWith("groundling-weights"));
  assert.equal(left().length, 3);
  const closed = once(killed, "close");
  killed.kill("SIGKILL");
  await closed;
  assert.equal(left().length, 3);
  const next = await storing();
  try {
    const pids = left().map((name) => name.split("-").at(-2));
    assert.deepEqual(pids.sort(), [living.pid, next.pid, 1].map(String).sort());
    assert.ok(existsSync(others));
  } finally {
    for (const child of [living, next]) {
      const ended = once(child, "close");
      child.kill("SIGKILL");
      await ended;
    }
  }
});
