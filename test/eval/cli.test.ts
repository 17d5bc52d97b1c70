import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Command } from "commander";
import { addEvalCommand } from "../../src/apps/cli/eval.ts";
import { datasetOfFlickr30k } from "../../src/data/readers/flickr30k.ts";
import { Problems } from "../../src/data/readers/problems.ts";
import { writeDataset } from "../../src/data/readers/write-dataset.ts";
import { goldenCopies } from "./golden.ts";

/** The output of the command. */
async function printed(...args: string[]): Promise<string> {
  let text = "";
  const program = new Command().exitOverride();
  program.configureOutput({
    writeErr: () => {},
    writeOut: (chunk) => {
      text += chunk;
    },
  });
  addEvalCommand(program);
  await program.parseAsync(["node", "groundling", ...args]);
  return text;
}

const golden = goldenCopies("coco-box-1")[0]!;
const files = [
  "--ground-truth",
  join(golden.folder, "annotations.json"),
  "--detections",
  join(golden.folder, "detections.json"),
];

test("eval prints COCO's twelve numbers at full precision", async () => {
  const { metrics } = JSON.parse(await printed("eval", ...files, "--format", "json"));
  const { summary } = golden.read<{ summary: Record<string, number> }>("expected.json");
  assert.deepEqual(Object.keys(metrics), Object.keys(summary));
  for (const [name, value] of Object.entries(summary)) assert.ok(Math.abs(metrics[name] - value) < 1e-12, name);
});

test("eval prints a table of all numbers and of every class", async () => {
  const table = await printed("eval", ...files);
  assert.match(table, /AP75 +53\.5/);
  assert.match(table, /duplicates +83\.4/);
});

test("eval scores LVIS, fixed AP and Flickr30k by their own names", async () => {
  const lvis = goldenCopies("lvis-fixed-1")[0]!;
  const expected = lvis.read<{ standard: { summary: object }; fixed: Record<string, { summary: object }> }>(
    "expected.json",
  );
  for (const [protocol, summary] of [
    ["lvis", expected.standard.summary],
    ["lvis-fixed", expected.fixed["10000"]!.summary],
  ] as const) {
    const truth = ["--ground-truth", join(lvis.folder, "annotations.json")];
    const text = await printed(
      "eval",
      ...truth,
      "--detections",
      join(lvis.folder, "detections.json"),
      "--protocol",
      protocol,
      "--format",
      "json",
    );
    assert.deepEqual(Object.keys(JSON.parse(text).metrics), Object.keys(summary));
  }
});

test("Flickr30k is scored from the published folder, predictions and flat detections mixed", async () => {
  const flickr = goldenCopies("flickr-1")[0]!;
  const folder = mkdtempSync(join(tmpdir(), "groundling-eval-"));
  try {
    const predictions = [...flickr.read<object[]>("predictions.json"), ...flickr.read<object[]>("detections.json")];
    const file = join(folder, "predictions.jsonl");
    writeFileSync(file, predictions.map((record) => JSON.stringify(record)).join("\n"));
    for (const [boxes, key] of [
      ["any", "anyBox"],
      ["merged", "mergedBoxes"],
    ] as const) {
      const text = await printed(
        "eval",
        "--ground-truth",
        flickr.folder,
        "--detections",
        file,
        "--protocol",
        "flickr30k",
        "--boxes",
        boxes,
        "--format",
        "json",
      );
      const { recall } =
        flickr.read<Record<string, { recall: Record<string, Record<string, number>> }>>("expected.json")[key]!;
      const { metrics } = JSON.parse(text);
      assert.equal(metrics["R@5"], recall["5"]!.all);
      assert.equal(metrics["R@10_people"], recall["10"]!.people);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("MDETR's JSON of the same sentences gives the same recall over all phrases", async () => {
  const flickr = goldenCopies("flickr-1")[0]!;
  const folder = mkdtempSync(join(tmpdir(), "groundling-eval-"));
  try {
    const truth = join(folder, "truth.json");
    const dataset = await datasetOfFlickr30k(flickr.folder, "test", new Problems());
    await writeDataset([{ dataset, pictures: folder }], { format: "mdetr", path: truth });
    const predictions = join(folder, "predictions.json");
    const records = [...flickr.read<object[]>("predictions.json"), ...flickr.read<object[]>("detections.json")];
    writeFileSync(predictions, JSON.stringify(records));
    const options = ["--protocol", "flickr30k", "--format", "json", "--detections", predictions];
    const { metrics } = JSON.parse(await printed("eval", "--ground-truth", truth, ...options));
    const { anyBox } = flickr.read<{ anyBox: { recall: Record<string, { all: number }> } }>("expected.json");
    assert.deepEqual(
      [metrics["R@1"], metrics["R@5"], metrics["R@10"]],
      ["1", "5", "10"].map((k) => anyBox.recall[k]!.all),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("comparing a run with itself gives no difference, and the interval of a worse run is below 0", async () => {
  const folder = mkdtempSync(join(tmpdir(), "groundling-eval-"));
  try {
    const worse = join(folder, "worse.json");
    const detections = golden.read<{ bbox: number[] }[]>("detections.json");
    writeFileSync(
      worse,
      JSON.stringify(detections.map((d) => ({ ...d, bbox: [d.bbox[0]! + d.bbox[2]! / 3, ...d.bbox.slice(1)] }))),
    );
    const same = files[3]!;
    const options = ["--ground-truth", files[1]!, "--format", "json", "--samples", "50"];
    const equal = JSON.parse(await printed("eval", "compare", same, same, ...options)).differences;
    const { summary } = golden.read<{ summary: Record<string, number> }>("expected.json");
    for (const { metric, first, difference, low, high } of equal) {
      assert.ok(Math.abs(first - summary[metric]!) < 1e-12, metric);
      assert.deepEqual([difference, low, high], [0, 0, 0]);
    }
    const text = await printed("eval", "compare", same, worse, ...options);
    const differences: { metric: string; high: number }[] = JSON.parse(text).differences;
    assert.equal(differences.length, 12);
    assert.ok(differences.filter(({ metric }) => /^AP(50|75)?$/.test(metric)).every(({ high }) => high < 0));
    assert.equal(await printed("eval", "compare", same, worse, ...options), text);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("comparing two runs over ODinW, LVIS and Flickr30k gives an interval for every number that is printed", async () => {
  const [odinw, lvis, flickr] = ["odinw-1", "lvis-fixed-1", "flickr-1"].map((name) => goldenCopies(name)[0]);
  const folder = mkdtempSync(join(tmpdir(), "groundling-eval-"));
  try {
    const predictions = join(folder, "predictions.json");
    const records = ["predictions.json", "detections.json"].flatMap((name) => flickr!.read<object[]>(name));
    writeFileSync(predictions, JSON.stringify(records));
    const runs = [
      ["lvis", join(lvis!.folder, "annotations.json"), join(lvis!.folder, "detections.json")],
      ["flickr30k", flickr!.folder, predictions],
      // These sets are not committed.
      ...(odinw ? [["odinw", odinw.folder, odinw.folder]] : []),
    ] as const;
    for (const [protocol, truth, detections] of runs) {
      const options = ["--protocol", protocol!, "--ground-truth", truth!, "--format", "json"];
      const { metrics } = JSON.parse(await printed("eval", ...options, "--detections", detections!));
      const compared = await printed("eval", "compare", detections!, detections!, ...options, "--samples", "3");
      const { differences } = JSON.parse(compared);
      const names = new Set(Object.keys(metrics).filter((name) => !name.endsWith("_all")));
      assert.deepEqual(new Set(differences.map(({ metric }: { metric: string }) => metric)), names, protocol);
      for (const { metric, first } of differences) assert.ok(Math.abs(first - metrics[metric]) < 1e-12, metric);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("all problems in the files are reported at once, with paths", async () => {
  const folder = mkdtempSync(join(tmpdir(), "groundling-eval-"));
  try {
    const file = join(folder, "detections.json");
    writeFileSync(file, '[{"image_id": 1, "category_id": "x", "bbox": [1, 2, 3], "score": 0.5},\n {"score": null}]');
    await assert.rejects(printed("eval", files[0]!, files[1]!, "--detections", file), (error: Error) => {
      assert.equal(error.name, "InputError");
      for (const path of ["$[0].category_id", "$[0].bbox", "$[1].image_id", "$[1].score"]) {
        assert.ok(error.message.includes(path), path);
      }
      return true;
    });
    writeFileSync(file, '[{"image_id": 1,\n "category_id"');
    await assert.rejects(printed("eval", files[0]!, files[1]!, "--detections", file), /detections\.json:2: not JSON/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
