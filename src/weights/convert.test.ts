import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { convertToSafetensors } from "./convert.ts";
import { openWeights } from "./open-weights.ts";
import { readSafetensors } from "./safetensors.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const folder = await mkdtemp(join(tmpdir(), "groundling-"));
after(() => rm(folder, { recursive: true }));

for (const name of ["types.pth", "views-legacy.pth", "training.pth"]) {
  test(`${name} is the same numbers in safetensors`, async () => {
    const path = join(folder, `${name}.safetensors`);
    await convertToSafetensors(join(fixtures, name), path);
    const converted = await readSafetensors(path);
    const file = await openWeights(join(fixtures, name));
    assert.equal(converted.size, file.names.length);
    for (const { name, dtype, shape } of file.entries.values()) {
      assert.deepEqual(converted.get(name), { dtype, shape, data: await file.read(name) });
    }
    await file.close();
  });
}

test("tensors are renamed as given, and floats but not integers get the given number type", async () => {
  const path = join(folder, "half.safetensors");
  const rename = (name: string) => (name === "empty" ? undefined : `backbone.${name}`);
  await convertToSafetensors(join(fixtures, "types.pth"), path, { rename, dtype: "F16" });
  const converted = await readSafetensors(path);
  assert.equal(converted.get("backbone.double")?.dtype, "F16");
  assert.deepEqual(converted.get("backbone.float")?.data, converted.get("backbone.half")?.data);
  assert.equal(converted.get("backbone.long")?.dtype, "I64");
  assert.equal(converted.get("backbone.bool")?.dtype, "BOOL");
  assert.equal(converted.has("empty") || converted.has("backbone.empty"), false);
});

test("a source that is refused leaves nothing behind", async () => {
  const inner = await mkdtemp(join(folder, "refused-"));
  await assert.rejects(convertToSafetensors(join(fixtures, "opaque.pth"), join(inner, "out.safetensors")));
  assert.deepEqual(await readdir(inner), []);
});
