import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import sharp from "sharp";
import { Random } from "../../src/data/random.ts";
import { readCaptioned } from "../../src/data/readers/captioned.ts";
import { readClassified } from "../../src/data/readers/classified.ts";
import { filled, imagenetTemplates, regionTemplates } from "../../src/inputs/words/templates.ts";
import { clip } from "../../src/models/clip/clip.ts";
import { clipPresets } from "../../src/models/clip/clip-presets.ts";
import { loadEncoder } from "../../src/tasks/classifying/load-encoder.ts";
import { dot, meanOf, toUnit } from "../../src/tasks/classifying/unit-vectors.ts";
import { writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { printedEval } from "./small-model.ts";

const root = mkdtempSync(join(tmpdir(), "groundling-encoder-protocols-"));
const model = join(root, "clip.safetensors");
const folders = join(root, "folders");
const words = ["hot dog", "crane, bird", "sea"];
const keys = ["hot_dog", "n01", "sea"];
after(() => rmSync(root, { recursive: true }));

before(async () => {
  const random = new Random(4, "tiny clip");
  const tensors = clip(clipPresets["nano-vit"]).parameters.map(({ name, shape, initialise }) => ({
    ...{ name, dtype: "F32" as const, shape },
    data: initialise(shape, () => random.unit()),
  }));
  await writeSafetensors(model, tensors);
  let number = 0;
  for (const split of ["train", "val"])
    for (const [i, key] of keys.entries()) {
      mkdirSync(join(folders, split, key), { recursive: true });
      for (let k = 0; k < 4; k++) {
        const data = Uint8Array.from({ length: 3 * 40 * 30 }, () => 80 * random.unit() + 85 * i);
        const picture = sharp(data, { raw: { width: 40, height: 30, channels: 3 } }).png();
        await picture.toFile(join(folders, split, key, `${number++}.png`));
      }
    }
  writeFileSync(
    join(folders, "classes.json"),
    JSON.stringify([
      { wnid: "n01", names: ["crane, bird", "heron"] },
      { wnid: "n02", names: ["unseen"] },
    ]),
  );
});

interface Metrics {
  metrics: Record<string, number>;
}

async function evaluate(protocol: string, data: string, name: string, ...more: string[]): Promise<Metrics["metrics"]> {
  const choices = ["--model", model, "--workers", "1", "--detections", join(root, name)];
  const printed = await printedEval("--data", data, "--protocol", protocol, "--format", "json", ...choices, ...more);
  return (JSON.parse(printed) as Metrics).metrics;
}

function records(name: string): Record<string, unknown>[] {
  const lines = readFileSync(join(root, name), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("zero-shot gives each photo the class of the most similar text, by OpenAI's and RegionCLIP's class vectors", async () => {
  await using encoder = await loadEncoder(model, { threads: 1 });
  const { photos } = await readClassified(folders);
  const pictures = await encoder.embedImage(
    photos.map(({ picture }) => picture),
    { batch: 1 },
  );
  const rules = {
    openai: await encoder.classVectors(words, { templates: imagenetTemplates }),
    regionclip: await Promise.all(
      ["hot dog", "crane bird", "sea"].map(async (name) =>
        toUnit(meanOf(await encoder.textVectors(regionTemplates.map((template) => filled(template, name))))),
      ),
    ),
  };
  for (const [rule, classes] of Object.entries(rules)) {
    const metrics = await evaluate("zero-shot", folders, `${rule}.jsonl`, "--class-vectors", rule);
    const written = records(`${rule}.jsonl`).slice(0, 3);
    written.forEach(({ class: key, vector }, i) => {
      assert.equal(key, keys[i]);
      const cosine = dot(toUnit(Float32Array.from(vector as number[])), classes[i]!);
      assert.ok(cosine > 1 - 1e-6, `${rule} ${key}: ${cosine}`);
    });
    const right = pictures.filter((picture, i) => {
      const cosines = classes.map((vector) => dot(picture, vector));
      return keys[cosines.indexOf(Math.max(...cosines))] === photos[i]!.key;
    });
    assert.deepEqual(metrics, { "top-1": right.length / 12, "top-5": 1 });
  }
});

test("vectors on disk are scored again without a model, and compared with intervals", async () => {
  const files = ["--ground-truth", folders, "--protocol", "zero-shot", "--format", "json"];
  const printed = await printedEval("--detections", join(root, "openai.jsonl"), ...files);
  const { differences } = JSON.parse(
    await printedEval("compare", join(root, "openai.jsonl"), join(root, "regionclip.jsonl"), ...files),
  ) as { differences: { metric: string; first: number; low: number; high: number }[] };
  assert.deepEqual(
    differences.map(({ metric }) => metric),
    ["top-1", "top-5"],
  );
  assert.equal(differences[0]!.first, (JSON.parse(printed) as Metrics).metrics["top-1"]);
  assert.ok(differences[0]!.low <= differences[0]!.high);
});

test("a linear probe learns the classes of the training split", async () => {
  const metrics = await evaluate("linear-probe", folders, "probe.jsonl");
  assert.equal(records("probe.jsonl").filter(({ train }) => train !== undefined).length, 12);
  // The classes differ in brightness, which any network passes on.
  assert.ok(metrics["top-1"]! > 0.6, `${metrics["top-1"]}`);
});

test("retrieval looks for captions by photo and for photos by caption", async () => {
  const { photos } = await readClassified(folders);
  const list = join(folders, "captions.jsonl");
  const lines = photos.slice(0, 4).map(({ file }, i) => ({
    image: `val/${file}`,
    captions: [`photo ${i} of ${file}`, `a ${"very ".repeat(i)}bright thing`],
  }));
  writeFileSync(list, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const metrics = await evaluate("retrieval", list, "retrieval.jsonl");
  await using encoder = await loadEncoder(model, { threads: 1 });
  const pictures = await encoder.embedImage(
    lines.map(({ image }) => join(folders, image)),
    { batch: 1 },
  );
  const texts = await encoder.embedText(lines.flatMap(({ captions }) => captions));
  const table = pictures.map((picture) => texts.map((text) => dot(picture, text)));
  const best = (scores: number[]) => scores.indexOf(Math.max(...scores));
  const byPhoto = table.filter((row, photo) => best(row) >> 1 === photo).length / 4;
  const byCaption = texts.filter((_, caption) => best(table.map((row) => row[caption]!)) === caption >> 1).length / 8;
  assert.equal(metrics["image to text R@1"], byPhoto);
  assert.equal(metrics["text to image R@1"], byCaption);
  assert.equal(metrics["text to image R@5"], 1);
});

test("Tiny ImageNet's lists and tars are read, and what does not fit is refused with its line", async () => {
  const tiny = join(root, "tiny");
  mkdirSync(tiny);
  execFileSync("tar", [
    "-cf",
    join(tiny, "val-00.tar"),
    "-C",
    join(folders, "val/sea"),
    ...readdirSync(join(folders, "val/sea")),
  ]);
  const name = readdirSync(join(folders, "val/sea"))[0]!;
  writeFileSync(join(tiny, "classes.json"), JSON.stringify([{ wnid: "n02", names: ["sea lion", "lion"] }]));
  const line = (record: object) => writeFileSync(join(tiny, "val.jsonl"), `${JSON.stringify(record)}\n`);
  line({ file: name, tar: "val-00.tar", wnid: "n02" });
  const { classes, photos } = await readClassified(tiny);
  assert.deepEqual(classes, [{ key: "n02", name: "sea lion", names: ["sea lion", "lion"] }]);
  assert.equal(photos[0]!.picture, join(tiny, "val-00.tar", name));
  const refused = (message: RegExp) => ({ name: "InputError", message });
  line({ file: name, tar: "val-00.tar", wnid: "n99" });
  await assert.rejects(readClassified(tiny), refused(/val\.jsonl:1: classes\.json does not have the class n99/));
  line({ file: name, tar: "../clip.safetensors", wnid: "n02" });
  await assert.rejects(readClassified(tiny), refused(/is outside/));
  line({ file: name });
  await assert.rejects(readClassified(tiny), refused(/val\.jsonl:1: must have file and wnid/));
  await assert.rejects(readClassified(join(root, "none")), refused(/is not a folder/));
  await assert.rejects(readClassified(folders, "test"), refused(/has no folder test/));
});

test("lists of captions that do not fit are refused with their line", async () => {
  const list = join(root, "bad.jsonl");
  const refused = (message: RegExp) => ({ name: "InputError", message });
  for (const [record, message] of [
    [{ image: "a.png" }, /bad\.jsonl:1: must be \{ "image"/],
    [{ image: "absent.png", captions: ["a"] }, /bad\.jsonl:1: there is no .*absent\.png/],
    [{ image: "../a.png", captions: ["a"] }, /is outside/],
  ] as const) {
    writeFileSync(list, `${JSON.stringify(record)}\n`);
    await assert.rejects(readCaptioned(list), refused(message));
  }
});

const photosFolder = new URL("../../../shared/photos/", import.meta.url).pathname;
test("the real photos are read", { skip: !existsSync(photosFolder) && "the photos are absent" }, async () => {
  const captioned = await readCaptioned(join(photosFolder, "flickr8k-650"));
  assert.equal(captioned.length, 650);
  assert.ok(captioned.every(({ captions }) => captions.length === 5));
  const { classes, photos } = await readClassified(join(photosFolder, "tiny-imagenet"));
  assert.equal(photos.length, 1500);
  assert.ok(classes.every(({ name }) => /^[A-Za-z]/.test(name)));
});
