import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { expandRuns } from "../../src/boxes/masks/run-lengths.ts";
import type { Detection } from "../../src/tasks/finding/detection.ts";
import { loadModel } from "../../src/tasks/finding/load-model.ts";
import { loadRegionModel } from "../../src/tasks/regions/load-region-model.ts";
import type { RegionDetectOptions } from "../../src/tasks/regions/region-options.ts";
import { type Golden, MOST, openGolden } from "./golden.ts";
import {
  classVectors,
  detectionSets,
  needsRegionClip,
  type RegionClipMeta,
  regionClipFolder,
} from "./golden-regionclip.ts";

const skip = needsRegionClip;
const checkpoint = join(regionClipFolder, "checkpoint.pth");
const cache = mkdtempSync(join(tmpdir(), "groundling-region-"));
process.env["XDG_CACHE_HOME"] = cache;
after(() => rmSync(cache, { recursive: true, force: true }));

/** Sets of one picture with proposals, whose detections on the picture as given are stored. */
async function singles() {
  const found: { name: string; golden: Golden<RegionClipMeta> }[] = [];
  for (const { name, stem } of detectionSets()) {
    const golden = await openGolden<RegionClipMeta>(stem);
    const { pictures, rpn } = golden.meta;
    if (rpn && pictures?.length === 1 && golden.names.includes("post.0.original.boxes")) found.push({ name, golden });
    else await golden.close();
  }
  return found;
}

function optionsOf({ select, rpn, short, longest }: RegionClipMeta & { short?: number; longest?: number }) {
  const { threshold, topk, nms, soft, sigma = 0.5, fuse, box_deltas } = select!;
  return {
    ...{ threshold, topK: topk, fusion: fuse ?? "none", regions: rpn!.post, zeroShot: !box_deltas },
    ...(soft ? { softNms: sigma } : { nms }),
    size: { short: short!, max: longest! },
  } satisfies RegionDetectOptions;
}

/** Every detection has one of the stored ones as its partner; soft suppression stores some below the threshold. */
async function wantStored(
  golden: Golden<RegionClipMeta>,
  found: readonly Detection[],
  { threshold }: { threshold: number },
) {
  const names = { boxes: "post.0.original.boxes", scores: "post.0.original.scores", masks: "post.0.original.masks" };
  const [boxes, scores] = [await golden.floats(names.boxes), await golden.floats(names.scores)];
  const labels = await golden.integers("post.0.original.labels");
  const masks = golden.names.includes(names.masks) ? await golden.integers(names.masks) : undefined;
  const limit = (name: string) => {
    const { absmax = 0, fp32_vs_fp64_maxabs = 0 } = golden.entry(name);
    return MOST * Math.max(fp32_vs_fp64_maxabs, absmax * 2 ** -23);
  };
  const left = new Set(Array.from(scores.keys()).filter((row) => scores[row]! >= threshold));
  assert.equal(found.length, left.size);
  for (const { box, score, label, mask } of found) {
    const sides = [box.xmin, box.ymin, box.xmax, box.ymax];
    const row = [...left].find(
      (one) =>
        labels[one] === Number(label) &&
        Math.abs(scores[one]! - score) <= limit(names.scores) &&
        sides.every((side, k) => Math.abs(boxes[4 * one + k]! - side) <= limit(names.boxes)),
    );
    assert.ok(row !== undefined, `nothing stored is ${label} ${score} ${sides}`);
    left.delete(row);
    if (!masks) continue;
    assert.ok(mask);
    const [height, width] = mask.size;
    const each = height * width;
    const stored = masks.slice(row * each, (row + 1) * each);
    let [at, value, differ] = [0, 0, 0];
    for (const run of expandRuns(mask.counts)) {
      for (const end = at + run; at < end; at++)
        if (stored[(at % height) * width + Math.floor(at / height)] !== value) differ++;
      value = 1 - value;
    }
    // A mask's edge may fall to the other side where its box differs by rounding.
    assert.ok(at === each && differ <= each / 10_000, `${differ} of ${at} pixels differ`);
  }
}

for (const { name, golden } of await singles())
  test(`${name}: a checkpoint and a file of proposals give the reference's detections`, { skip }, async () => {
    const { rpn, classes, pictures } = golden.meta;
    const proposals = rpn!.file === "checkpoint.pth" ? {} : { proposals: join(regionClipFolder, rpn!.file) };
    const { vectors, classes: count } = await classVectors(classes!);
    const labels = Array.from({ length: count }, (_, k) => String(k));
    const options = optionsOf(golden.meta);
    await using model = await loadRegionModel(checkpoint, { threads: 1, ...proposals });
    const picture = join(regionClipFolder, pictures![0]!);
    const found = await model.detect(picture, { labels, vectors }, options);
    await wantStored(golden, found, options);
    const [again] = await model.detect([picture], { labels, vectors }, options);
    assert.deepEqual(again, found);
    await golden.close();
  });

test("given boxes get their best name, whose vector comes from the file's text encoder and then from the disk", {
  skip,
}, async () => {
  const picture = join(regionClipFolder, readdirSync(regionClipFolder).find((file) => file.endsWith(".png"))!);
  const boxes = [
    { xmin: 10, ymin: 20, xmax: 150, ymax: 200 },
    { xmin: 100, ymin: 5, xmax: 260, ymax: 120 },
  ];
  const names = Array.from({ length: 18 }, (_, i) => `thing ${i}`);
  const options = { boxes, threshold: 0, size: { short: 160, max: 256 } };
  const told: number[] = [];
  const first = await loadRegionModel(checkpoint, { threads: 1 });
  const found = await first.detect(picture, names, { ...options, progress: (done) => told.push(done) });
  await first.dispose();
  assert.deepEqual(told, [0, 16, 18]);
  assert.equal(found.length, 2);
  assert.deepEqual(new Set(found.map(({ box }) => box)), new Set(boxes));
  assert.ok(found.every(({ score, label }) => score > 0 && score <= 1 && names.includes(label)));
  const [folder] = readdirSync(join(cache, "groundling", "class-vectors"));
  const files = readdirSync(join(cache, "groundling", "class-vectors", folder!));
  assert.equal(files.length, 2);
  // A file that was cut counts as absent, and its names are computed again.
  writeFileSync(join(cache, "groundling", "class-vectors", folder!, files[0]!), "cut");
  await using second = await loadRegionModel(checkpoint, { threads: 1 });
  told.length = 0;
  const again = await second.detect(picture, names, { ...options, progress: (done) => told.push(done) });
  assert.ok(told.length === 2 && told[0]! > 0, String(told));
  assert.deepEqual(again, found);
  const regions = await second.regions(picture, { boxes, size: options.size });
  assert.deepEqual(
    regions.map(({ box }) => box),
    boxes,
  );
  assert.ok(regions.every(({ vector }) => vector.length === second.width));
});

test("what does not fit is refused with a mend", { skip }, async () => {
  const refused = (message: RegExp) => (error: Error) => /Error$/.test(error.name) && message.test(error.message);
  const proposals = join(regionClipFolder, "rpn_lsj.pth");
  await assert.rejects(loadModel(checkpoint), refused(/is a RegionCLIP model; load it with loadRegionModel/));
  await assert.rejects(
    loadRegionModel(proposals),
    refused(/rpn_lsj\.pth: holds only region proposals; give a recogniser/),
  );
  await assert.rejects(loadRegionModel(checkpoint, { proposals: checkpoint.replace("checkpoint", "concept_emb") }), {
    message: /concept_emb\.pth: holds no region proposals/,
  });
  const clip = join(regionClipFolder, "..", "clip", "nano-vit.pt");
  await assert.rejects(loadRegionModel(clip), refused(/is a CLIP with a vision transformer/));
  await using model = await loadRegionModel(checkpoint, { threads: 1, textModel: clip });
  const picture = join(regionClipFolder, "picture.0.png");
  await assert.rejects(
    model.detect(picture, ["cat"]),
    refused(/nano-vit\.pt: its text vectors have 40 numbers, and the regions/),
  );
  await assert.rejects(model.detect(picture, ["cat", "dog", "cat"]), refused(/given twice: cat/));
  await assert.rejects(model.detect(picture, ["cat", " "]), refused(/name 2 of 2 is empty/));
  const many = Array.from({ length: 100_000 }, (_, i) => `name ${i}`);
  await assert.rejects(model.detect(picture, many), refused(/100000 names are more than 20000/));
  await assert.rejects(model.detect(picture, ["cat"], { nms: 0.5, softNms: 0.5 }), refused(/exclude each other/));
  const thin = { data: new Uint8Array(3 * 4000), width: 4000, height: 1, channels: 3 } as const;
  const vectors = { labels: ["cat"], vectors: new Float32Array(24).fill(1) };
  await assert.rejects(model.detect(thin, vectors), refused(/a picture of 4000 × 1 pixels becomes 1333 × 0/));
});

test("a thing is like itself most, and in other pictures like things are found", { skip }, async () => {
  const picture = join(regionClipFolder, "picture.0.png");
  const box = { xmin: 60, ymin: 40, xmax: 200, ymax: 220 };
  const size = { short: 160, max: 256 };
  await using model = await loadRegionModel(checkpoint, { threads: 1 });
  const likeness = { examples: [{ image: picture, box }], label: "face" };
  const [itself] = await model.detectLike(picture, likeness, { boxes: [box], size });
  assert.ok(itself && itself.label === "face" && itself.score > 1 - 1e-5);
  const options = { size, threshold: 0, topK: 5, zeroShot: true };
  const found = await model.detectLike(join(regionClipFolder, "picture.1.png"), likeness, options);
  assert.ok(found.length > 0 && found.length <= 5);
  assert.ok(found.every(({ score }, i) => score <= 1 && (i === 0 || score <= found[i - 1]!.score)));
  const words = await model.vectorOf({ ...likeness, words: 1 }, { size });
  const alone = await model.classVectors(["face"]);
  const length = Math.hypot(...alone);
  words.forEach((value, i) => {
    assert.ok(Math.abs(value - alone[i]! / length) < 1e-6);
  });
  await assert.rejects(model.detectLike(picture, { examples: [], label: "face" }), /there is no example/);
});
