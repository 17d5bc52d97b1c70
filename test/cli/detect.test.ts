import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import sharp from "sharp";
import { openDataset } from "../../src/data/readers/find-dataset.ts";
import { loadModel } from "../../src/tasks/finding/load-model.ts";
import { groundling, type Ran, temporaryFolder, writeTinyModel } from "./running.ts";

interface Found {
  score: number;
  label: string;
  box: { xmin: number; ymin: number; xmax: number; ymax: number };
}
interface Entry {
  image: string;
  width: number;
  height: number;
  caption?: string;
  detections: (Found & { span?: [number, number] })[];
}

const folder = temporaryFolder();
const model = join(folder, "model");
const pictures = join(folder, "images");
const first = join(pictures, "a, b.png");
const second = join(pictures, "more", "second.jpg");
const question = ["--model", model, "--classes", "dog,red car", "--threshold", "0.2", "--top-k", "5"];
const expected: Entry[] = [];

before(async () => {
  await writeTinyModel(model);
  mkdirSync(join(pictures, "more"), { recursive: true });
  const raw = (width: number, height: number) =>
    sharp(
      Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i) % 251),
      {
        raw: { width, height, channels: 3 },
      },
    );
  await raw(120, 80).png().toFile(first);
  await raw(70, 100).jpeg().toFile(second);
  const loaded = await loadModel(model);
  for (const [image, width, height] of [
    [first, 120, 80],
    [second, 70, 100],
  ] as const) {
    const detections = await loaded.detect(image, ["dog", "red car"], { threshold: 0.2, topK: 5 });
    assert.equal(detections.length, 5);
    expected.push({ image, width, height, detections });
  }
  await loaded.dispose();
});
after(() => rmSync(folder, { recursive: true }));

const clean = ({ code, stdout, stderr }: Ran): string => {
  assert.deepEqual({ code, stderr: stderr.replace(/[^\n]*pictures[^\n]*\n?/g, "").trim() }, { code: 0, stderr: "" });
  return stdout;
};
const near = (actual: number[], wanted: number[], most: number) => {
  assert.equal(actual.length, wanted.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - wanted[i]!) <= most, `${actual} should be ${wanted}`);
  });
};
const xywh = ({ box: { xmin, ymin, xmax, ymax } }: Found) => [xmin, ymin, xmax - xmin, ymax - ymin];

test("json is one array on stdout, with the library's results for each picture of a folder", async () => {
  const stdout = clean(await groundling(["detect", pictures, ...question, "--format", "json"]));
  assert.deepEqual(JSON.parse(stdout), expected);
  const [{ detections }] = JSON.parse(stdout);
  assert.deepEqual(Object.keys(detections[0]), ["score", "label", "box"]);
  const scores = detections.map(({ score }: Found) => score);
  assert.deepEqual(
    scores,
    scores.toSorted((a: number, b: number) => b - a),
  );
});

test("jsonl has a line per picture and is also written into the folder; --draw names its picture on stderr", async () => {
  const out = join(folder, "lines");
  const ran = await groundling(["detect", first, ...question, "--format", "jsonl", "--out", out, "--draw"]);
  assert.equal(ran.code, 0);
  assert.deepEqual(JSON.parse(ran.stdout), expected[0]);
  assert.equal(readFileSync(join(out, "detections.jsonl"), "utf8"), ran.stdout);
  const drawing = join(out, "a, b.groundling.png");
  assert.equal(ran.stderr, `${drawing}\n`);
  const { width, height } = await sharp(drawing).metadata();
  assert.deepEqual([width, height], [120, 80]);
  assert.notDeepEqual(await sharp(drawing).removeAlpha().raw().toBuffer(), await sharp(first).raw().toBuffer());
});

test("coco has images, categories and scored annotations, which eval reads", async () => {
  const out = join(folder, "coco");
  clean(
    await groundling(["detect", join(pictures, "**", "*.{png,jpg}"), ...question, "--format", "coco", "--out", out]),
  );
  const coco = JSON.parse(readFileSync(join(out, "instances.json"), "utf8"));
  assert.deepEqual(
    coco.categories.map(({ name }: { name: string }) => name),
    ["dog", "red car"],
  );
  assert.deepEqual(
    coco.images.map(({ file_name, width, height }: Record<string, unknown>) => [file_name, width, height]),
    expected.map(({ image, width, height }) => [image, width, height]),
  );
  const all = expected.flatMap(({ detections }, i) => detections.map((one) => ({ ...one, image: i + 1 })));
  assert.deepEqual(
    coco.annotations.map(({ image_id, category_id, bbox, score }: Record<string, number>) => [
      image_id,
      coco.categories[category_id! - 1].name,
      bbox,
      score,
    ]),
    all.map((one) => [one.image, one.label, xywh(one), one.score]),
  );
  assert.equal(coco.annotations[0].id, 1);
});

test("yolo and voc folders are read back with the same boxes", async () => {
  for (const [format, most] of [
    ["yolo", 1e-3],
    ["voc", 1.01],
  ] as const) {
    const out = join(folder, format);
    clean(await groundling(["detect", first, ...question, "--format", format, "--out", out]));
    const place = join(out, format === "voc" ? "JPEGImages" : "images");
    mkdirSync(place);
    await sharp(first).toFile(join(place, "a, b.png"));
    const { dataset } = await openDataset(out);
    const { labels, images } = dataset;
    const names = new Map(labels.map(({ id, name }) => [id, name]));
    const wanted = expected[0]!.detections;
    assert.deepEqual(
      images[0]!.objects.map(({ label }) => names.get(label!)),
      wanted.map(({ label }) => label),
    );
    images[0]!.objects.forEach((object, i) => {
      near([...object.xywh], xywh(wanted[i]!), most);
    });
  }
  assert.match(readFileSync(join(folder, "yolo", "labels", "a, b.txt"), "utf8"), /^(\d( \d\.\d{6}){4}\n){5}$/);
});

test("csv, Label Studio and FiftyOne have the same boxes in their units", async () => {
  const ask = async (format: string) => clean(await groundling(["detect", first, ...question, "--format", format]));
  const { detections } = expected[0]!;
  const [header, ...lines] = (await ask("csv")).trim().split("\r\n");
  assert.equal(header, "image,label,score,xmin,ymin,xmax,ymax");
  assert.deepEqual(
    lines,
    detections.map(({ label, score, box }) => [`"${first}"`, label, score, ...Object.values(box)].join(",")),
  );
  const [task] = JSON.parse(await ask("labelstudio"));
  assert.equal(task.data.image, first);
  for (const [i, { type, score, value }] of task.predictions[0].result.entries()) {
    assert.deepEqual(
      [type, value.rectanglelabels, score],
      ["rectanglelabels", [detections[i]!.label], detections[i]!.score],
    );
    const scaled = [value.x * 1.2, value.y * 0.8, value.width * 1.2, value.height * 0.8];
    near(scaled, xywh(detections[i]!), 1e-3);
  }
  const { classes, labels } = JSON.parse(await ask("fiftyone"));
  for (const [i, { label, bounding_box: box, confidence }] of labels["a, b"].entries()) {
    assert.deepEqual([classes[label], confidence], [detections[i]!.label, detections[i]!.score]);
    near([box[0] * 120, box[1] * 80, box[2] * 120, box[3] * 80], xywh(detections[i]!), 1e-3);
  }
});

test("fewer bits change scores by little, and are chosen by name", async () => {
  for (const precision of ["float16", "int8"]) {
    const words = [...question, "--format", "json", "--precision", precision];
    const [{ detections }] = JSON.parse(clean(await groundling(["detect", first, ...words]))) as [Entry];
    assert.notDeepEqual(detections, expected[0]!.detections);
    near([detections[0]!.score], [expected[0]!.detections[0]!.score], 0.02);
  }
});

test("without a format a table is printed", async () => {
  const stdout = clean(await groundling(["detect", first, second, ...question]));
  assert.match(stdout, /a, b\.png \(120 × 80\)\nlabel +score +xmin/);
  assert.equal(stdout.match(/^(dog|red car) /gm)?.length, 10);
});

test("ground finds the phrases of a caption with their characters", async () => {
  const caption = "A dog beside a red car.";
  const words = ["--model", model, "--threshold", "0.2", "--caption", caption, "--format", "json"];
  const found: Entry[] = JSON.parse(clean(await groundling(["ground", first, ...words])));
  assert.equal(found[0]!.caption, caption);
  assert.ok(found[0]!.detections.length > 0);
  for (const { label, span } of found[0]!.detections) assert.equal(caption.slice(...span!), label);
  const given: Entry[] = JSON.parse(clean(await groundling(["ground", first, ...words, "--phrase", "red car"])));
  assert.deepEqual([...new Set(given[0]!.detections.map(({ span }) => String(span)))], ["15,22"]);
});

test("one unreadable picture among many is reported, and the rest is done", async () => {
  const missing = join(folder, "missing.png");
  const ran = await groundling(["detect", first, missing, second, ...question, "--format", "json"]);
  assert.equal(ran.code, 1);
  assert.deepEqual(JSON.parse(ran.stdout), expected);
  assert.match(ran.stderr, new RegExp(`^groundling: ${missing} cannot be opened`, "m"));
});

test("pictures of one name in two folders are refused where a format would keep one of them", async () => {
  const copies = ["one", "two"].map((name) => join(folder, "copies", name, "same.png"));
  for (const copy of copies) {
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(first, copy);
  }
  const { code, stdout, stderr } = await groundling(["detect", ...copies, ...question, "--format", "fiftyone"]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(
    stderr,
    /one\/same\.png and .*two\/same\.png would both be written as same; give the folder that contains/,
  );
});

test("drawings of an earlier run are skipped in a folder; lists and pictures are read on standard input; --quiet prints nothing", async () => {
  const place = join(folder, "drawn");
  mkdirSync(place);
  copyFileSync(first, join(place, "one.png"));
  const words = [...question, "--draw", "--format", "json"];
  assert.equal((await groundling(["detect", ".", ...words], { cwd: place })).code, 0);
  const again = await groundling(["detect", "@-", ...words], { cwd: place, input: `.\n${second}\n` });
  assert.deepEqual(
    JSON.parse(again.stdout).map(({ image }: Entry) => image),
    ["one.png", second],
  );
  assert.match(again.stderr, /^skipped 1 drawings \(\*\.groundling\.png\)/m);
  const bytes = await groundling(["detect", "-", second, ...question, "--format", "json", "--quiet"], {
    input: readFileSync(first),
  });
  assert.deepEqual(JSON.parse(bytes.stdout), [{ ...expected[0], image: "-" }, expected[1]]);
  assert.equal(bytes.stderr, "");
  assert.deepEqual(readdirSync(place).sort(), ["one.groundling.png", "one.png", "second.groundling.png"]);
});

test("--draw in a folder that is not writable is refused before anything is loaded", async () => {
  const { code, stdout, stderr } = await groundling(["detect", first, "--model", "none", "--classes", "a", "--draw"], {
    cwd: "/proc",
  });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^groundling: \.: cannot be written \(\w+\); check that its folder exists/);
});
