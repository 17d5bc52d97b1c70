import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Random } from "../src/data/random.ts";
import { glip } from "../src/models/glip/glip.ts";
import { glipPresets } from "../src/models/glip/glip-presets.ts";
import { writeModelFolder } from "../src/tasks/finding/model-folder.ts";

const root = mkdtempSync(join(tmpdir(), "examples-"));
after(() => rmSync(root, { recursive: true }));
const fixtures = join(import.meta.dirname, "..", "test", "parity", "fixtures");

function run(example: string, ...words: string[]): string {
  const program = join(import.meta.dirname, example);
  return execFileSync(process.execPath, ["--import", "tsx", program, ...words], { encoding: "utf8" });
}

test("a network of two layers fits 64 random points", () => {
  const [, first, last] = /error (\S+) at first, (\S+) after/.exec(run("tiny-network.ts"))!;
  assert.ok(Number(first) > 0.1);
  assert.ok(Number(last) < 1e-4, `error ${last}`);
});

test("an interrupted and resumed run ends in the same bits", () => {
  assert.match(run("train-resume.ts", root), /after 37 steps, resumed to 100: same bits true/);
});

test("things are found with a model folder", async () => {
  const config = glipPresets.nano;
  const random = new Random(3);
  const folder = join(root, "model");
  await writeModelFolder(folder, {
    type: "groundling-glip",
    config,
    size: { short: 96, max: 1333 },
    vocabulary: join(fixtures, "vocab.txt"),
    card: "",
    weights: glip(config).parameters.map(({ name, shape, initialise }) => ({
      name,
      dtype: "F32",
      shape,
      data: name.endsWith("bias0") ? Float32Array.of(0) : initialise(shape, () => random.unit()),
    })),
  });
  const lines = run("detect.ts", join(fixtures, "picture.png"), "person, red car", folder).trim().split("\n");
  assert.ok(lines.length > 1);
  for (const line of lines) assert.match(line, /^0\.\d\d (person|red car) \d+ \d+ \d+ \d+$/);
});
