import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readSafetensors } from "../weights/safetensors.ts";
import { type Checkpoint, readCheckpoint, readCheckpointState, writeCheckpoint } from "./checkpoint.ts";

const folder = mkdtempSync(join(tmpdir(), "checkpoint-"));
after(() => rmSync(folder, { recursive: true }));

function example(seed: number): Checkpoint {
  const values = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(seed + i * 1.7) * 3);
  return {
    weights: new Map([
      ["a/b.weight", values(6)],
      ["empty", values(0)],
    ]),
    average: new Map([["a/b.weight", values(6)]]),
    optimizer: { "steps/a/b.weight": 7, "first/a/b.weight": values(6) },
    state: { step: 7, random: [1, -2.5e-300, "x"], recipe: { name: "söme", deep: { null: null, yes: true } } },
  };
}

test("a checkpoint comes back in the same bits, under the shapes of the model", async () => {
  const file = join(folder, "sub", "last.safetensors");
  await writeCheckpoint(file, example(1), new Map([["a/b.weight", [2, 3]]]));
  assert.deepEqual(await readCheckpoint(file), example(1));
  assert.deepEqual((await readSafetensors(file)).get("weights/a/b.weight")?.shape, [2, 3]);
  assert.deepEqual(readdirSync(join(folder, "sub")), ["last.safetensors"]);
});

test("the next writer deletes the temporary files of a killed one", async () => {
  const file = join(folder, "left", "last.safetensors");
  await writeCheckpoint(file, example(1));
  writeFileSync(`${file}.0123456789ab.part`, "half");
  await writeCheckpoint(file, example(2));
  assert.deepEqual(readdirSync(join(folder, "left")), ["last.safetensors"]);
  assert.deepEqual(await readCheckpoint(file), example(2));
});

test("a file cut short or changed in any one byte is refused by name", async () => {
  const file = join(folder, "whole.safetensors");
  await writeCheckpoint(file, example(1));
  const bytes = readFileSync(file);
  const damaged = join(folder, "damaged.safetensors");
  for (let at = 0; at < bytes.length; at += 3) {
    writeFileSync(damaged, bytes.subarray(0, at));
    await assert.rejects(
      readCheckpoint(damaged),
      { name: "WeightsError", message: /damaged\.safetensors/ },
      `cut at ${at}`,
    );
    const changed = Buffer.from(bytes);
    changed[at] = changed[at]! ^ 4;
    writeFileSync(damaged, changed);
    const read = await readCheckpoint(damaged).catch((error: Error) => {
      assert.match(error.message, /damaged\.safetensors/);
      return undefined;
    });
    // A changed space in the header's padding is harmless.
    if (read) assert.deepEqual(read, example(1), `byte ${at} changed`);
  }
});

test("weights that are not a checkpoint, and missing files, are refused by name", async () => {
  const file = join(folder, "json.safetensors");
  writeFileSync(file, "{}");
  await assert.rejects(readCheckpoint(file), { name: "WeightsError", message: /json\.safetensors/ });
  await assert.rejects(readCheckpoint(join(folder, "nowhere.safetensors")), /nowhere\.safetensors/);
});

test("a header that claims more than the file has is refused by name, with and without the arrays", async () => {
  const file = join(folder, "claims.safetensors");
  for (const claim of [2n ** 40n, 2n ** 63n, 100n]) {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(claim);
    writeFileSync(file, bytes);
    for (const read of [readCheckpoint, readCheckpointState])
      await assert.rejects(read(file), { name: "WeightsError", message: /^.*claims\.safetensors: / });
  }
});

test("a folder that cannot be created is named, with what to check", async () => {
  writeFileSync(join(folder, "file"), "");
  await assert.rejects(writeCheckpoint(join(folder, "file", "last.safetensors"), example(1)), {
    name: "InputError",
    message: /file.last\.safetensors: cannot be written \(\w+\); check that its folder/,
  });
});

test("a full disk leaves the previous checkpoint intact", async () => {
  const file = join(folder, "full.safetensors");
  await writeCheckpoint(file, example(1));
  const program = `
    import { writeCheckpoint } from ${JSON.stringify(new URL("./checkpoint.ts", import.meta.url).href)};
    const weights = new Map([["big", new Float32Array(1e6)]]);
    await writeCheckpoint(${JSON.stringify(file)}, { weights, optimizer: {}, state: {} }).catch((e) => console.log(e.message));`;
  writeFileSync(join(folder, "fill.mts"), program);
  const tsx = import.meta.resolve("tsx");
  // A limit on file size stands in for a full disk: the write fails half-way in the same way.
  const command = `ulimit -f 512; exec "${process.execPath}" --import "${tsx}" "${join(folder, "fill.mts")}"`;
  const message = execFileSync("sh", ["-c", command], { encoding: "utf8" });
  assert.match(message, /full\.safetensors: cannot be written \(EFBIG\); raise the limit/);
  assert.deepEqual(await readCheckpoint(file), example(1));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith(".part")),
    [],
  );
});
