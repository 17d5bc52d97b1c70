import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkFit, loadWeights, type NamedShape } from "./fit.ts";
import { renameWeights } from "./rename.ts";
import { openSafetensors } from "./safetensors.ts";
import { writeSafetensors } from "./write-safetensors.ts";

const folder = await mkdtemp(join(tmpdir(), "groundling-"));
after(() => rm(folder, { recursive: true }));

const path = join(folder, "a.safetensors");
await writeSafetensors(path, [
  { name: "layers.0.fc_2.weight", dtype: "F32", shape: [2, 1], data: Float32Array.of(1, 2) },
  { name: "head.weight", dtype: "F16", shape: [2, 3], data: new Uint16Array(6).fill(0x3c00) },
]);
const model: readonly NamedShape[] = [
  { name: "layers.0.fc2.weight", shape: [2, 1] },
  { name: "head.weight", shape: [1, 3] },
];

test("all mismatches are reported at once", async () => {
  const file = await openSafetensors(path);
  assert.throws(() => checkFit(model, file), {
    name: "WeightsError",
    message: `checkpoint does not fit the model: 1 missing, 1 unused, 1 of another shape
  missing  layers.0.fc2.weight [2, 1]
  unused   layers.0.fc_2.weight [2, 1]
  shape    head.weight: model [1, 3], file [2, 3]`,
  });
  await file.close();
});

test("only differences that the caller allows are accepted, and never another shape", async () => {
  const file = await openSafetensors(path);
  const options = { mayMiss: /^layers\.0\.fc2/g, mayBeUnused: /^layers/ };
  assert.throws(() => checkFit(model, file, options), {
    message: `checkpoint does not fit the model: 1 of another shape
  shape    head.weight: model [1, 3], file [2, 3]`,
  });
  const fitting = [model[0]!, { name: "head.weight", shape: [2, 3] }];
  const weights = await loadWeights(fitting, file, options);
  assert.deepEqual([...weights], [["head.weight", new Float32Array(6).fill(1)]]);
  await file.close();
});

test("a renamed file is checked under its new names", async () => {
  const file = await openSafetensors(path);
  const renamed = renameWeights(file, (name) => (name === "head.weight" ? undefined : name.replace("fc_2", "fc2")));
  const weights = await loadWeights(model.slice(0, 1), renamed);
  assert.deepEqual([...weights], [["layers.0.fc2.weight", Float32Array.of(1, 2)]]);
  assert.throws(() => renameWeights(file, () => "same"), {
    name: "WeightsError",
    message: /layers\.0\.fc_2\.weight and head\.weight would both be named same/,
  });
  await file.close();
});

test("long lists are cut and counted", () => {
  const many = Array.from({ length: 500 }, (_, i) => ({ name: `p${i}`, shape: [i] }));
  assert.throws(
    () => checkFit(many, { entries: new Map() }),
    (error: Error) =>
      error.message.startsWith("checkpoint does not fit the model: 500 missing\n  missing  p0 [0]\n") &&
      error.message.endsWith("\n  missing  p19 [19]\n  missing  and 480 more"),
  );
});
