import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { maskArea } from "../../src/boxes/masks/run-lengths.ts";
import { readSegmentation } from "../../src/boxes/masks/segmentation.ts";
import { duckdb, fileLiteral } from "../../src/data/duckdb.ts";
import { readCocoAnnotations } from "../../src/data/readers/coco-files.ts";
import { needsRegionClip, regionClipFolder } from "../parity/golden-regionclip.ts";
import { groundling, temporaryFolder } from "./running.ts";

const skip = needsRegionClip;
const folder = temporaryFolder();
process.env["XDG_CACHE_HOME"] = join(folder, "cache");
after(() => rmSync(folder, { recursive: true }));
const at = (file: string) => join(folder, file);
const checkpoint = join(regionClipFolder, "checkpoint.pth");
const picture = join(regionClipFolder, "picture.1.png");
const model = ["--model", checkpoint, "--size", "160,256", "--quiet"];

test("detect takes a RegionCLIP: boxes and masks in COCO's form, and drawn", { skip }, async () => {
  const out = at("found");
  const asked = ["detect", picture, ...model, "--classes", "cat,cup", "--fusion", "sigmoid", "--threshold", "0.01"];
  const { code, stderr } = await groundling([...asked, "--format", "coco", "--out", out, "--draw"]);
  assert.equal(code, 0, stderr);
  const { annotations, images } = readCocoAnnotations(join(out, "instances.json"));
  assert.ok(annotations.length > 0);
  for (const { segmentation, area } of annotations) {
    const { width = 0, height = 0 } = images[0]!;
    assert.equal(maskArea(readSegmentation(segmentation!, { width, height })), area);
  }
  assert.ok(existsSync(join(out, "picture.1.groundling.png")));
});

test("detect classifies given boxes, and finds what is like an example", { skip }, async () => {
  writeFileSync(at("boxes.json"), "[[10, 20, 100, 80], [0, 0, 60, 60]]");
  const asked = ["detect", picture, ...model, "--threshold", "0", "--format", "json"];
  const given = await groundling([...asked, "--classes", "cat,cup", "--boxes", at("boxes.json")]);
  assert.equal(given.code, 0, given.stderr);
  const [{ detections }] = JSON.parse(given.stdout) as [{ detections: { box: { xmin: number }; label: string }[] }];
  assert.deepEqual(detections.map(({ box }) => box.xmin).sort(), [0, 10]);
  const like = ["--like", picture, "--box", "10,20,100,80", "--label", "cup", "--boxes", at("boxes.json")];
  const found = await groundling([...asked, ...like]);
  assert.equal(found.code, 0, found.stderr);
  const [{ detections: alike }] = JSON.parse(found.stdout) as [
    { detections: { score: number; label: string; box: { xmin: number } }[] },
  ];
  assert.deepEqual({ label: alike[0]!.label, xmin: alike[0]!.box.xmin }, { label: "cup", xmin: 10 });
  assert.ok(alike[0]!.score > 1 - 1e-5);
});

test("regions writes boxes, vectors and the scores of names", { skip }, async () => {
  const out = at("regions.parquet");
  const asked = ["regions", picture, ...model, "--regions", "20", "--classes", "cat,cup", "--out", out];
  const { code, stdout, stderr } = await groundling(asked);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^20 regions of 1 pictures, with vectors of \d+ numbers/);
  const rows = await (await duckdb()).runAndReadAll(`SELECT * FROM read_parquet(${fileLiteral(out)})`);
  const all = rows.getRowObjectsJson();
  assert.equal(all.length, 20);
  for (const { image, vector, scores, label, score, objectness } of all) {
    assert.equal(image, picture);
    assert.equal((scores as unknown[]).length, 2);
    assert.equal(Math.max(...(scores as number[])), score);
    assert.ok((vector as unknown[]).length > 2 && typeof objectness === "number");
    assert.ok(label === "cat" || label === "cup");
  }
});

test("what a RegionCLIP cannot do is refused, and nothing is written", { skip }, async () => {
  for (const [words, expected] of [
    [["detect", picture, ...model, "--prompt", "cat."], /a RegionCLIP reads names alone/],
    [["detect", picture, ...model], /no names to find/],
    [["detect", picture, ...model, "--like", picture], /--like is given 1 times and --box 0 times/],
    [["detect", picture, "--classes", "cat", "--boxes", at("boxes.json")], /--boxes needs a RegionCLIP/],
    [
      ["ground", picture, ...model, "--caption", "a cat"],
      /is a RegionCLIP model, but groundling ground needs a GLIP or GLIPv2 model; use it with groundling detect or groundling regions/,
    ],
    [["regions", picture, ...model, "--out", at("regions.csv")], /regions are written as \.parquet/],
    [["detect", picture, ...model, "--classes-file", at("twice.json")], /twice\.json: names cat twice/],
  ] as const) {
    writeFileSync(at("twice.json"), JSON.stringify({ concepts: [{ name: "cat" }, { name: "cat" }] }));
    const { code, stdout, stderr } = await groundling([...words]);
    assert.notEqual(code, 0, words.join(" "));
    assert.match(stderr, expected);
    assert.equal(stdout, "");
  }
  assert.ok(!readdirSync(folder).includes("regions.csv"));
});

test("concepts counts the nouns of captions in their forms, with their source", async () => {
  writeFileSync(
    at("a.jsonl"),
    '{"image": "a.jpg", "captions": ["Two dogs.", "A dog and a cat."]}\n{"caption": "A cat"}\n',
  );
  writeFileSync(at("b.tsv"), 'k1\tA dog runs.\nk2\t{"captions": ["The dog."]}\n');
  writeFileSync(at("c.json"), JSON.stringify({ annotations: [{ caption: "A dog near a traffic light." }] }));
  const files = [at("a.jsonl"), at("b.tsv"), at("c.json")];
  const { code, stderr } = await groundling(["concepts", ...files, "--least", "1", "--out", at("concepts.json")]);
  assert.equal(code, 0, stderr);
  const { concepts, provenance } = JSON.parse(readFileSync(at("concepts.json"), "utf8"));
  assert.deepEqual(concepts, [
    { name: "dog", count: 5 },
    { name: "cat", count: 2 },
    { name: "traffic light", count: 1 },
  ]);
  assert.equal(provenance.captions, 6);
  assert.deepEqual(
    provenance.sources.map(({ file }: { file: string }) => file),
    ["a.jsonl", "b.tsv", "c.json"],
  );
  const rare = await groundling(["concepts", at("a.jsonl"), "--out", at("rare.json")]);
  assert.equal(rare.code, 1);
  assert.match(rare.stderr, /no concept is named 100 times in 3 captions; give a lower --least/);
  assert.ok(!existsSync(at("rare.json")));
});
