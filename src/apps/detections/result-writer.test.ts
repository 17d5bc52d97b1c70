import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { formats } from "./formats.ts";
import type { PictureResult } from "./picture-result.ts";
import { resultWriter } from "./result-writer.ts";

const root = mkdtempSync(join(tmpdir(), "answers-"));
after(() => rmSync(root, { recursive: true }));
const result = (folder: string, label: string): PictureResult => ({
  ...{ image: `${folder}/same.png`, name: `${folder}/same`, width: 10, height: 10 },
  detections: [{ score: 0.5, label, box: { xmin: 1, ymin: 1, xmax: 5, ymax: 5 } }],
});
const pictures = [result("one", "dog"), result("two", "cat")];

/** What is printed and in the folder after each picture, and at the end. */
async function stages(format: string | undefined, out?: string) {
  let printed = "";
  const print = (text: string) => {
    printed += text;
  };
  const answers = resultWriter({ format: format === undefined ? format : formats[format], out, print });
  const seen: { printed: string; files: string[] }[] = [];
  const look = () => {
    const files = out === undefined ? [] : readdirSync(out, { recursive: true, encoding: "utf8" }).sort();
    seen.push({ printed, files });
  };
  for (const picture of pictures) {
    await answers.add(picture);
    look();
  }
  await answers.end();
  look();
  return seen;
}

test("a link under the name of a growing file is replaced, and what it leads to stays", async () => {
  const victim = join(root, "victim");
  writeFileSync(victim, "mine");
  for (const format of ["jsonl", "csv", "json", "coco"] as const) {
    const out = join(root, `linked-${format}`);
    mkdirSync(out);
    const file = format === "coco" ? "instances.json" : `detections.${format}`;
    symlinkSync(victim, join(out, file));
    await stages(format, out);
    assert.equal(readFileSync(victim, "utf8"), "mine", format);
    assert.match(readFileSync(join(out, file), "utf8"), /two\/same/);
  }
  const out = join(root, "piped");
  mkdirSync(out);
  execFileSync("mkfifo", [join(out, "detections.csv")]);
  await assert.rejects(stages("csv", out), /detections\.csv: cannot be written: a special file has this name/);
});

test("jsonl and csv are printed and written line by line, as each picture is done", async () => {
  for (const [format, lines] of [
    ["jsonl", [1, 2, 2]],
    ["csv", [2, 3, 3]],
  ] as const) {
    const seen = await stages(format, join(root, format));
    assert.deepEqual(
      seen.map(({ printed }) => printed.split("\n").length - 1),
      lines,
    );
    assert.equal(readFileSync(join(root, format, seen[0]!.files[0]!), "utf8"), seen[2]!.printed);
  }
});

test("tables follow each other as pictures are done", async () => {
  const seen = await stages(undefined);
  assert.match(seen[0]!.printed, /^one\/same\.png \(10 × 10\)\n/);
  assert.match(seen[1]!.printed, /\n\ntwo\/same\.png/);
  assert.equal(seen[2]!.printed, seen[1]!.printed);
});

test("a picture's file is written when the picture is done, with classes numbered in the order of detection", async () => {
  const seen = await stages("yolo", join(root, "yolo"));
  assert.deepEqual(seen[0]!.files, ["labels", "labels/one", "labels/one/same.txt"]);
  assert.ok(!seen[1]!.files.includes("classes.txt"));
  const text = (path: string) => readFileSync(join(root, "yolo", path), "utf8");
  assert.equal(text("classes.txt"), "dog\ncat\n");
  assert.match(text("labels/two/same.txt"), /^1 /);
  const voc = await stages("voc", join(root, "voc"));
  assert.ok(voc[0]!.files.includes("Annotations/one/same.xml"));
});

test("every format keeps pictures with the same name in different folders", async () => {
  for (const [format, count] of Object.entries({ json: 2, coco: 2, fiftyone: 2, labelstudio: 2 })) {
    const [, , { printed } = { printed: "" }] = await stages(format);
    const told = JSON.parse(printed);
    const boxes = format === "coco" ? told.annotations : Object.values(format === "fiftyone" ? told.labels : told);
    assert.equal(boxes.length, count, format);
  }
});
