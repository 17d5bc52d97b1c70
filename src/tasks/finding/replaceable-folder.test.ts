import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { tinyModel, vocabulary } from "../grounding/fixtures/tiny-model.ts";
import { readModel, writeModelFolder } from "./model-folder.ts";

const root = mkdtempSync(join(tmpdir(), "replaceable-"));
after(() => rmSync(root, { recursive: true }));
const { model, weights } = tinyModel();
const write = (folder: string, card: string) =>
  writeModelFolder(folder, {
    ...{ type: "groundling-glip" as const, config: model.config, size: { short: 64, max: 64 }, vocabulary, card },
    weights: model.parameters.map(({ name, shape }) => ({
      ...{ name, dtype: "F32" as const, shape, data: weights.get(name)! },
    })),
  });

test("a folder with other files is not replaced by a model, but a model is", async () => {
  const folder = join(root, "project");
  mkdirSync(folder);
  for (const name of ["thesis.txt", "photo.png"]) writeFileSync(join(folder, name), "years of work");
  await assert.rejects(write(folder, ""), {
    name: "InputError",
    message: /contains .* and 1 more, which would be deleted/,
  });
  assert.deepEqual(readdirSync(root), ["project"]);
  assert.equal(readFileSync(join(folder, "thesis.txt"), "utf8"), "years of work");
  const place = join(root, "model");
  await write(place, "first");
  await write(place, "second");
  assert.equal(readFileSync(join(place, "README.md"), "utf8"), "second");
  assert.equal((await readModel(place)).name, "model");
});
