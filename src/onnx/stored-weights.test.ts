import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { storeWeights } from "./stored-weights.ts";

const folder = mkdtempSync(join(tmpdir(), "stored-"));
const before = process.env.TMPDIR;
after(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  rmSync(folder, { recursive: true });
});

test("a missing or invalid temporary folder is named with how to fix it", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  for (const place of [join(folder, "nowhere"), file]) {
    process.env.TMPDIR = place;
    await assert.rejects(storeWeights([["weight", Float32Array.of(1, 2)]]), (error: Error) => {
      assert.equal(error.name, "InputError");
      assert.ok(error.message.startsWith(`${place}: the model's weights cannot be written`), error.message);
      assert.match(error.message, /or set TMPDIR to another$/);
      return true;
    });
  }
});

test("the end of a process deletes the weights of twelve models, and Node does not warn of listeners", () => {
  const weights = mkdtempSync(join(folder, "twelve-"));
  const module = JSON.stringify(new URL("./stored-weights.ts", import.meta.url).href);
  const text = `const { storeWeights } = await import(${module});
    const { readdirSync } = await import("node:fs");
    const all = [];
    for (let i = 0; i < 12; i++) all.push(await storeWeights([["weight", Float32Array.of(i)]]));
    all[3].dispose();
    process.once("exit", () => {});
    console.log(readdirSync(process.env.TMPDIR).filter((name) => name.startsWith("groundling-weights")).length);`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", text],
    { encoding: "utf8", env: { ...process.env, TMPDIR: weights } },
  );
  assert.deepEqual([stdout, stderr], ["11\n", ""]);
  assert.deepEqual(
    readdirSync(weights).filter((name) => name.startsWith("groundling-weights")),
    [],
  );
});
