import assert from "node:assert/strict";
import { existsSync, mkdtempSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Session } from "../onnx/index.ts";
import { type Place, storeWeights } from "../onnx/stored-weights.ts";
import { add, input, matmul, parameter, swapLast } from "../tensor/index.ts";
import { mappedWeights } from "./fit.ts";
import { fromFloat32 } from "./float-conversion.ts";
import { openSafetensors } from "./safetensors.ts";
import { writeSafetensors } from "./write-safetensors.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "groundling-mapped-")));
after(() => rmSync(folder, { recursive: true }));

test("a session maps float32 weights from the file, reads others, and narrows both", async () => {
  const path = join(folder, "model.safetensors");
  const weight = Float32Array.from({ length: 64 * 64 }, (_, i) => (i % 65 === 0 ? 2 : 0));
  const bias = new Float32Array(64).fill(0.5);
  await writeSafetensors(path, [
    { name: "weight", dtype: "F32", shape: [64, 64], data: weight },
    { name: "bias", dtype: "F16", shape: [64], data: fromFloat32("F16", bias) },
  ]);
  const parameters = [
    { name: "weight", shape: [64, 64] },
    { name: "bias", shape: [64] },
  ];
  const file = await openSafetensors(path);
  const stored = await storeWeights(mappedWeights(parameters, file));
  await file.close();
  const placeOf = (name: string) => stored.baked(name) as Place;
  assert.equal(join(stored.weightsFolder, placeOf("weight").file), path);
  assert.equal(statSync(join(stored.weightsFolder, placeOf("bias").file)).size, bias.byteLength);

  const y = add(matmul(input("x", [1, 64]), swapLast(parameter("weight", [64, 64]))), parameter("bias", [64]));
  for (const narrower of [{}, { precision: "float16" }, { weightBits: 8 }] as const) {
    const session = await Session.compile({ y }, { ...stored, ...narrower });
    const found = await session.run({ x: new Float32Array(64).fill(3) });
    (found.y as Float32Array).forEach((value) => {
      assert.ok(Math.abs(value - 6.5) < 0.05, `${value} is not 6.5`);
    });
    await session.dispose();
  }
  const written = join(stored.weightsFolder, placeOf("bias").file);
  stored.dispose();
  assert.deepEqual([path, written].map(existsSync), [true, false]);
});
