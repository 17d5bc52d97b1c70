import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openWeights } from "./open-weights.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const golden = join(import.meta.dirname, "../../../shared/golden/glip-nano");

interface Expected {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly float: readonly number[];
}

const expected: Record<string, Record<string, Expected>> = JSON.parse(
  await readFile(join(fixtures, "expected.json"), "utf8"),
);

const torchNames: Record<string, string> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U8: "uint8",
  BOOL: "bool",
};

for (const [name, tensors] of Object.entries(expected)) {
  test(`${name} gives the names, types, shapes and numbers that PyTorch reads in it`, async () => {
    const file = await openWeights(join(fixtures, name));
    assert.deepEqual([...file.names].sort(), Object.keys(tensors).sort());
    for (const [key, { dtype, shape, float }] of Object.entries(tensors)) {
      const entry = file.entries.get(key)!;
      assert.equal(torchNames[entry.dtype], dtype, key);
      assert.deepEqual(entry.shape, shape, key);
      assert.equal((await file.read(key)).byteLength, entry.bytes, key);
      assert.deepEqual(await file.readFloat32(key), Float32Array.from(float), key);
    }
    await file.close();
  });
}

test("64-bit integers keep all bits", async () => {
  for (const name of ["types.pth", "types-legacy.pth", "types.safetensors"]) {
    const file = await openWeights(join(fixtures, name));
    const long = await file.read("long");
    assert.deepEqual([...long], [0n, -1n, 2n ** 62n + 12345n, 2n ** 53n + 1n, -(2n ** 60n) - 1n]);
    await file.close();
  }
});

test("objects of unlisted classes are refused by name among the tensors and ignored elsewhere", async () => {
  await assert.rejects(openWeights(join(fixtures, "opaque.pth")), {
    name: "WeightsError",
    message: /"config" \(argparse\.Namespace\)/,
  });
  const file = await openWeights(join(fixtures, "training.pth")); // has one under `arguments`
  assert.ok(file.names.includes("conv.weight"));
  await file.close();
});

test("a TorchScript archive is read as the state dictionary of its modules", async () => {
  const archive = await openWeights(join(fixtures, "program.pt"));
  const plain = await openWeights(join(fixtures, "training.pth"));
  assert.deepEqual(archive.names.toSorted(), plain.names.toSorted());
  for (const name of plain.names) assert.deepEqual(await archive.read(name), await plain.read(name), name);
  await archive.close();
  await plain.close();
});

test("a TorchScript program without weights is refused with what to save instead", async () => {
  await assert.rejects(openWeights(join(fixtures, "program-only.pt")), {
    name: "WeightsError",
    message: /program-only\.pt: is a TorchScript program without weights; save the state_dict\(\)/,
  });
});

test("a missing file, a folder and a text file are refused by name", async () => {
  for (const path of [
    join(fixtures, "absent.pth"),
    fixtures,
    join(fixtures, "../../../LICENSE"),
    import.meta.filename,
  ]) {
    await assert.rejects(
      openWeights(path),
      (error: Error) => error.name === "WeightsError" && error.message.startsWith(path),
    );
  }
});

test("a name that is not in the file is refused", async () => {
  const file = await openWeights(join(fixtures, "types.pth"));
  await assert.rejects(file.read("absent"), { name: "WeightsError", message: /holds no tensor named "absent"/ });
  await file.close();
});

const clip = join(golden, "../clip");
if (existsSync(clip)) {
  for (const name of ["nano-rn", "nano-vit"])
    test(`OpenAI's archive form of ${name} holds the tensors of its state dictionary, most as halves`, async () => {
      const archive = await openWeights(join(clip, `${name}.jit.pt`));
      const plain = await openWeights(join(clip, `${name}.pt`));
      const extra = ["input_resolution", "context_length", "vocab_size"];
      assert.deepEqual(archive.names.toSorted(), [...plain.names, ...extra].sort());
      for (const key of plain.names)
        assert.deepEqual(await archive.readFloat32(key), await plain.readFloat32(key), key);
      assert.equal(archive.entries.get("text_projection")?.dtype, "F16");
      await archive.close();
      await plain.close();
    });
}

const vectors = join(golden, "../regionclip/class_emb_base.pth");
if (existsSync(vectors))
  test("a tensor that was saved alone is named tensor", async () => {
    const file = await openWeights(vectors);
    assert.deepEqual(file.names, ["tensor"]);
    assert.deepEqual(file.entries.get("tensor")?.shape, [7, 24]);
    assert.equal((await file.readFloat32("tensor")).length, 7 * 24);
    await file.close();
  });

if (existsSync(golden)) {
  test("the published layout opens with its prefix dropped", async () => {
    const file = await openWeights(join(golden, "checkpoint.pth"));
    assert.equal(file.names.length, 314);
    assert.deepEqual(file.entries.get("backbone.body.patch_embed.proj.weight")?.shape, [24, 3, 4, 4]);
    let sum = 0;
    for (const name of file.names) for (const value of await file.readFloat32(name)) sum += value;
    assert.ok(Math.abs(sum - 1747936.3762850491) < 1e-4, String(sum)); // by PyTorch
    await file.close();
  });
}
