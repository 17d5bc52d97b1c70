import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../", import.meta.url));
const copy = mkdtempSync(join(tmpdir(), "adding-a-model-"));
after(() => rmSync(copy, { recursive: true }));

/** Trains the toy model for two steps, writes it as a model folder, loads it, runs it and evaluates it. */
const program = `
import { mkdirSync, writeFileSync } from "node:fs";
import sharp from "sharp";
import { readRecipe } from "./src/apps/training/recipe.ts";
import { runRecipe } from "./src/apps/training/run.ts";
import { toy } from "./src/models/toy/toy.ts";
import { detectDataset } from "./src/evaluation/detect-dataset.ts";
import { scoreFiles } from "./src/evaluation/score-files.ts";
import { loadModel } from "./src/tasks/finding/load-model.ts";
import { writeModelFolder } from "./src/tasks/finding/model-folder.ts";

mkdirSync("set/images", { recursive: true });
const size = { width: 64, height: 64 };
const picture = { data: Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * 37) % 256), ...size, channels: 3 } as const;
await sharp(picture.data, { raw: picture }).png().toFile("set/images/a.png");
const box = { id: 1, image_id: 1, category_id: 1, bbox: [8, 8, 40, 40], area: 1600, iscrowd: 0 };
const categories = [{ id: 1, name: "cup" }, { id: 2, name: "dog" }];
writeFileSync("set/instances.json", JSON.stringify({ images: [{ id: 1, file_name: "a.png", ...size }], annotations: [box], categories }));
const { model: _, ...recipe } = JSON.parse(process.argv[2]!);
const data = { ...recipe.data, sources: [{ data: "set/instances.json", weight: 1 }], sizes: [64], longest: 64, pictures: 2 };
delete data.heldOut;
writeFileSync("toy.json", JSON.stringify({ ...recipe, data, model: { kind: "toy", channels: 8 }, steps: 2, shards: 1 }));
const options = { folder: "run", resume: false, sprites: "sprites", quiet: true };
const { weights, step } = await runRecipe(readRecipe("toy.json"), options);
const config = { channels: 8, classes: ["cup", "dog"] };
const tensors = toy(config).parameters.map(({ name, shape }) => ({ name, dtype: "F32" as const, shape, data: weights.get(name)! }));
await writeModelFolder("model", { type: "groundling-toy", config, size: { short: 64, max: 64 }, card: "", weights: tensors });
const model = await loadModel("model");
const found = await model.detect(picture, ["dog", "cup"], { threshold: 0, textThreshold: 0, topK: 3 });
await model.dispose();
const asked = { data: "set/instances.json", protocol: "counting", subset: "", workers: 1, model: "model", options: {} } as const;
await detectDataset(asked, "detections.jsonl");
const files = { groundTruth: asked.data, detections: "detections.jsonl" };
const { metrics } = await scoreFiles({ ...files, protocol: "counting", type: "bbox", subset: "", boxes: "any" });
console.log(JSON.stringify({ metrics, step, labels: found.map(({ label }) => label) }));
`;

test("the toy family and protocol of the page compile, train, load and score with their own files and rows", () => {
  const page = readFileSync(join(repository, "docs/adding-a-model.md"), "utf8");
  cpSync(join(repository, "src"), join(copy, "src"), {
    recursive: true,
    filter: (path) => !path.endsWith(".test.ts"),
  });
  for (const name of ["node_modules", "assets", "recipes"]) symlinkSync(join(repository, name), join(copy, name));
  for (const name of ["package.json", "tsconfig.json"]) cpSync(join(repository, name), join(copy, name));
  const files = [...page.matchAll(/^`(src\/[^`]+)`:\n\n```ts\n(.*?)```/gms)];
  assert.equal(files.length, 4);
  for (const [, path, text] of files) {
    mkdirSync(dirname(join(copy, path!)), { recursive: true });
    writeFileSync(join(copy, path!), text!);
  }
  const rows = [...page.matchAll(/`("groundling-toy": (toy\w+),)`[^`]*`detectors` of `([^`]+)`/g)];
  assert.equal(rows.length, 2);
  for (const [, row, name, path] of rows) {
    const table = join(copy, path!);
    const before = readFileSync(table, "utf8");
    const from = name === "toyFamily" ? "family" : "schemas";
    const withRow = before
      .replace("const detectors = {\n", `const detectors = {\n  ${row}\n`)
      .replace(/^import /m, `import { ${name} } from "./toy/${from}.ts";\nimport `);
    assert.equal(withRow.split("\n").length, before.split("\n").length + 2);
    writeFileSync(table, withRow);
  }
  const protocols = join(copy, "src/evaluation/protocols.ts");
  const protocolRow = /`(counting: async .*,)`/.exec(page)![1]!;
  writeFileSync(
    protocols,
    readFileSync(protocols, "utf8").replace("const rows = {\n", `const rows = {\n  ${protocolRow}\n`),
  );
  writeFileSync(join(copy, "program.ts"), program);
  const run = (...words: string[]) => spawnSync(process.execPath, words, { cwd: copy, encoding: "utf8" });
  writeFileSync(
    join(copy, "tsconfig.toy.json"),
    JSON.stringify({ extends: "./tsconfig.json", include: ["src/models", "program.ts"], exclude: ["**/fixtures"] }),
  );
  const compiled = run(join(repository, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.toy.json");
  assert.equal(compiled.stdout + compiled.stderr, "");
  const recipe = readFileSync(join(repository, "recipes/dynamic-head.json"), "utf8");
  const { stdout, stderr } = run("--import", "tsx", "program.ts", recipe);
  const { step, labels, metrics } = JSON.parse(stdout || "{}") as {
    step?: number;
    labels?: string[];
    metrics?: Record<string, number>;
  };
  assert.deepEqual([step, labels?.length], [2, 3], stderr);
  assert.deepEqual(Object.keys(metrics ?? {}), ["counted right"]);
  assert.ok(labels?.every((label) => label === "cup" || label === "dog"));
});
