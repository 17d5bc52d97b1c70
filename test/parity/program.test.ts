import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { glip } from "../../src/models/glip/glip.ts";
import { glipPresets } from "../../src/models/glip/glip-presets.ts";
import { writeModelFolder } from "../../src/tasks/finding/model-folder.ts";
import { groundling, temporaryFolder } from "../cli/running.ts";
import { type CaseMeta, compareDetections, compareIntermediates, questionOf } from "./cases.ts";
import { formulaWeight } from "./formula-weights.ts";
import { type Golden, glipNano, needsGlipNano, openGolden } from "./golden.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true }));

/** Runs the program on a picture and compares all its outputs with the stored numbers. */
async function hold(golden: Golden<CaseMeta>, picture: string, model: string, short: number, arrays: number) {
  const { inspect, find } = questionOf(golden.meta);
  const where = [picture, "--model", model, "--size", `${short},1333`];
  const out = join(folder, "inside.safetensors");
  const inside = await groundling(["inspect", ...where, ...inspect, "--out", out]);
  assert.equal(inside.code, 0, inside.stderr);
  const all = await compareIntermediates(golden, out);
  assert.deepEqual(all.wrong, []);
  assert.equal(all.count, arrays);
  const [command, ...words] = find;
  const ran = await groundling([command, ...where, ...words, "--threshold", "0", "--format", "json"]);
  assert.equal(ran.code, 0, ran.stderr);
  const [{ width, height, detections }] = JSON.parse(ran.stdout);
  // The stored picture may be the resized one.
  const found = await compareDetections(
    { ...golden, meta: { ...golden.meta, original_size_wh: [width, height] } },
    detections,
  );
  assert.deepEqual(found.wrong, []);
  assert.ok(found.count > 0);
}

test("the program's intermediates and detections are those of another implementation", async () => {
  const golden = await openGolden<CaseMeta>(join(fixtures, "forward"));
  const model = join(folder, "formula");
  const weights = glip(glipPresets.nano).parameters.map(({ name, shape }) => {
    return { name, dtype: "F32" as const, shape, data: formulaWeight(name, shape, golden.meta.seed) };
  });
  const vocabulary = join(fixtures, "vocab.txt");
  const config = glipPresets.nano;
  const type = "groundling-glip";
  await writeModelFolder(model, { type, config, size: { short: 96, max: 1333 }, vocabulary, card: "", weights });
  await hold(golden, join(fixtures, "picture.png"), model, 96, 111);
  await golden.close();
});

for (const [name, short] of [
  ["infer-128", 128],
  ["infer-320", 320],
] as const)
  test(`a converted checkpoint gives every number and detection of ${name}`, { skip: needsGlipNano }, async () => {
    const model = join(folder, name);
    const { code, stderr } = await groundling([
      ...["convert", join(glipNano!, "checkpoint.pth"), "--to", model, "--vocab", join(glipNano!, "vocab.txt")],
      ...["--preset", "nano"],
    ]);
    assert.equal(code, 0, stderr);
    const golden = await openGolden<CaseMeta>(join(glipNano!, name));
    await hold(golden, join(glipNano!, `${name}.png`), model, short, 100);
    await golden.close();
  });
