import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deltasTo, REGION_DELTAS } from "../../src/boxes/box-deltas.ts";
import { gradients } from "../../src/grad/index.ts";
import { inferClipConfig } from "../../src/models/clip/infer-clip-config.ts";
import { endPlaces, textEncoder } from "../../src/models/clip/text-encoder.ts";
import { runningStatistics } from "../../src/models/parts/normed-convolution.ts";
import { inferRegionClipConfig } from "../../src/models/region-clip/infer-region-clip-config.ts";
import { type RegionClip, regionClip } from "../../src/models/region-clip/region-clip.ts";
import { Scope } from "../../src/nn/index.ts";
import { Session } from "../../src/onnx/index.ts";
import { boxLoss, classLoss, maskLoss } from "../../src/tasks/regions/detector-losses.ts";
import {
  conceptContrastLoss,
  distillationLoss,
  pairContrastLoss,
  sameLabels,
  scaledCosines,
  teacherLabels,
} from "../../src/tasks/regions/pretraining-losses.ts";
import { add, gather, input, type Numbers, reachable, reshape, softmax, type Tensor } from "../../src/tensor/index.ts";
import { Comparison, type Golden, openGolden } from "./golden.ts";
import {
  classVectors,
  needsRegionClip,
  pictureBatch,
  type RegionClipMeta,
  regionClipFolder,
  weightsWith,
} from "./golden-regionclip.ts";

const skip = needsRegionClip;
type Weights = ReadonlyMap<string, Float32Array>;

interface TrainingMeta extends RegionClipMeta {
  theta?: number;
  concepts?: string;
  gamma?: number | null;
  background_weight?: number;
  padded_hw?: [number, number];
}

const sets = (prefix: string) =>
  skip ? [] : readdirSync(regionClipFolder).filter((f) => f.startsWith(prefix) && f.endsWith(".json"));
const open = (file: string) => openGolden<TrainingMeta>(join(regionClipFolder, file.replace(/\.json$/, "")));

async function run(outputs: Record<string, Tensor>, feeds: Record<string, Numbers>, weights: Weights) {
  const session = await Session.compile(outputs, { threads: 1 });
  try {
    return (await session.run(feeds, { weights })) as Record<string, Float32Array>;
  } finally {
    await session.dispose();
  }
}

/** The gradient of a loss for every trained parameter. */
function gradientsOf(loss: Tensor): Record<string, Tensor> {
  const trained = reachable([loss]).filter(
    (tensor): tensor is Tensor<"parameter"> =>
      tensor.operation === "parameter" && !runningStatistics.test((tensor as Tensor<"parameter">).attributes.name),
  );
  const slopes = gradients(loss, trained);
  return Object.fromEntries(trained.map(({ attributes: { name } }, i) => [`grad.${name}`, slopes[i]!]));
}

/** Boxes of all pictures as one list, and the picture of each. */
async function listOf(golden: Golden<TrainingMeta>, part: string) {
  const boxes: number[] = [];
  const pictures: bigint[] = [];
  for (const picture of golden.meta.resized_hw.keys()) {
    const own = await golden.floats(`${part}.${picture}`);
    boxes.push(...own);
    for (let i = 0; i < own.length / 4; i++) pictures.push(BigInt(picture));
  }
  return { boxes: Float32Array.from(boxes), pictures: BigInt64Array.from(pictures) };
}

/** A model's outputs for regions, with the names under which they are recorded. */
function seen(model: RegionClip, maps: Tensor, count: number, name: string) {
  const regions = model.regions(maps, input(`${name}.boxes`, [count, 4]), input(`${name}.pictures`, [count], "int64"));
  const records = new Map(
    [...model.records]
      .filter(([key]) => key.startsWith("head."))
      .map(([key, value]) => [key.replace("head", name), value]),
  );
  return { vectors: regions.vectors, maps: regions.maps, records };
}

async function compareAll(golden: Golden<TrainingMeta>, found: Record<string, Float32Array>, of: RegExp) {
  const wanted = golden.names.filter((name) => of.test(name) && !/attnpool\.k_proj\.bias$/.test(name));
  // A loss is one number: rounding of the features, within their own noise, changes it by more than its noise, which is small by chance.
  const comparison = new Comparison(2 ** -21);
  for (const name of wanted) {
    assert.ok(found[name], `${name} was not computed`);
    await comparison.add(golden, name, found[name]);
  }
  comparison.finish(wanted.length);
  assert.ok(wanted.length > 20);
}

for (const file of sets("pretrain"))
  test(`${file}: a pretraining step has the reference's labels, losses and gradients`, { skip }, async () => {
    const golden = await open(file);
    const { weights, entries } = await weightsWith(undefined);
    const config = inferRegionClipConfig(entries, file);
    const { boxes, pictures } = await listOf(golden, "input.boxes");
    const { data, shape } = await pictureBatch(golden, "recogniser");
    const [n, , height, width] = shape;
    const count = pictures.length;
    const { vectors: concepts, classes: m } = await classVectors(golden.meta.concepts!);
    const regionFeeds = { image: data, "head.boxes": boxes, "head.pictures": pictures };

    const teacher = regionClip(config);
    const own = [...weights].filter(([name]) => name.startsWith("teacher_backbone."));
    const teaching = new Map(own.map(([name, numbers]) => [name.replace("teacher_", ""), numbers]));
    const looked = seen(teacher, teacher.image(input("image", shape)), count, "head");
    const shares = softmax(scaledCosines(looked.vectors, input("concepts", [m, config.embedding])));
    const told = await run({ shares, vectors: looked.vectors }, { ...regionFeeds, concepts }, teaching);
    const { kept, labels, shares: keptShares } = teacherLabels(told.shares!, m, golden.meta.theta!);
    const keep = await golden.integers("teacher.keep");
    assert.deepEqual(
      [...kept],
      keep.flatMap((yes, i) => (yes ? [i] : [])),
    );
    assert.deepEqual([...labels], await golden.integers("teacher.labels.kept"));

    const student = regionClip(config);
    const maps = student.image(input("image", shape));
    const whole = seen(student, maps, n, "global");
    const head = seen(student, maps, count, "head");
    const s = new Scope();
    const language = new Map(
      [...entries].flatMap(([name, entry]) =>
        name.startsWith("lang_encoder.") ? [[name.slice(13), entry] as const] : [],
      ),
    );
    const text = textConfig(language);
    const read = textEncoder(s.at("lang_encoder"), text, config.embedding);
    const [rows, length] = golden.shape("input.input_ids") as [number, number];
    const texts = read(input("ids", [rows, length], "int64"), input("ends", [rows], "int64"));
    const ids = BigInt64Array.from(await golden.integers("input.input_ids"), BigInt);
    const rest = kept.length;
    const vectors = gather(head.vectors, input("kept", [rest], "int64"));
    const all = input("concepts", [m, config.embedding]);
    const losses = {
      "loss.img_txt_level": pairContrastLoss(whole.vectors, input("texts", [rows, config.embedding])),
      "loss.region_distill": distillationLoss(vectors, all, input("shares", [rest, m])),
      "loss.concept_contrastive": conceptContrastLoss(
        vectors,
        gather(all, input("labels", [rest], "int64")),
        input("same", [rest, rest]),
      ),
    };
    const [pair, distilled, contrast] = Object.values(losses) as [Tensor, Tensor, Tensor];
    const loss = add(pair, add(distilled, contrast));
    const said = await run({ "text.features": texts }, { ids, ends: endPlaces(ids, length) }, weights);
    const canvas = Float32Array.from({ length: 4 * n }, (_, i) => [0, 0, width, height][i % 4]!);
    const found = await run(
      {
        ...losses,
        "loss.total": loss,
        ...Object.fromEntries([...whole.records, ...head.records]),
        ...gradientsOf(loss),
      },
      {
        ...regionFeeds,
        concepts,
        "global.boxes": canvas,
        "global.pictures": BigInt64Array.from({ length: n }, (_, i) => BigInt(i)),
        texts: said["text.features"]!,
        kept: BigInt64Array.from(kept, BigInt),
        labels: BigInt64Array.from(labels, BigInt),
        shares: keptShares,
        same: sameLabels(labels),
      },
      weights,
    );
    const stored = { ...said, ...found, "teacher.features": told.vectors!, "teacher.concept_probs.kept": keptShares };
    await compareAll(golden, stored, /^(loss|grad|head|global|text)\.|^teacher\.(features|concept_probs\.kept)$/);
    await golden.close();
  });

/** The text encoder's configuration, from a CLIP configuration with other values made up. */
function textConfig(entries: ReadonlyMap<string, { readonly shape: readonly number[] }>) {
  const stand = (shape: number[]) => ({ shape });
  const rest = new Map([
    ["visual.attnpool.positional_embedding", stand([10, 8])],
    ["visual.layer1.0.conv1.weight", stand([8, 8, 1, 1])],
  ]);
  return inferClipConfig(new Map([...entries, ...rest]), "lang_encoder").text;
}

for (const file of sets("finetune"))
  test(`${file}: a detector's training step has the reference's losses and gradients`, { skip }, async () => {
    const golden = await open(file);
    const { weights, entries } = await weightsWith(undefined);
    const model = regionClip(inferRegionClipConfig(entries, file));
    const { boxes, pictures } = await listOf(golden, "input.rois");
    const wanted = (await listOf(golden, "input.roi_gt_boxes")).boxes;
    const roiClasses: number[] = [];
    for (const picture of golden.meta.resized_hw.keys())
      roiClasses.push(...(await golden.integers(`input.roi_classes.${picture}`)));
    const { data, shape } = await pictureBatch(golden, "recogniser");
    const { vectors, classes } = await classVectors(golden.meta.classes!);
    const { gamma, background_weight = 1 } = golden.meta;
    const count = pictures.length;
    const shown = roiClasses.flatMap((label, i) => (label < classes ? [i] : []));
    const rowsOf = (numbers: Float32Array) =>
      Float32Array.from(shown.flatMap((i) => [...numbers.subarray(4 * i, 4 * i + 4)]));
    const deltas = deltasTo(rowsOf(wanted), rowsOf(boxes), REGION_DELTAS);

    const head = seen(model, model.image(input("image", shape)), count, "head");
    const logits = model.logits(head.vectors, input("classes", [classes, model.config.embedding]));
    const offsets = model.offsets(head.vectors);
    const fg = input("shown", [shown.length], "int64");
    const cls = classLoss(
      logits,
      input("labels", [count], "int64"),
      input("weights", [count]),
      typeof gamma === "number" ? { gamma } : {},
    );
    const reg = boxLoss(offsets, fg, input("deltas", [shown.length, 4]), count);
    const losses: Record<string, Tensor> = { "loss.cls": cls, "loss.box_reg": reg };
    const feeds: Record<string, Numbers> = {};
    if (golden.names.includes("mask.targets")) {
      const masks = model.masks!(gather(head.maps, fg));
      const [f, side] = golden.shape("mask.targets") as [number, number];
      losses["loss.mask"] = maskLoss(reshape(masks, [f, side, side]), input("masks", [f, side, side]));
      losses["mask.logits"] = masks;
      feeds.masks = Float32Array.from(await golden.integers("mask.targets"));
    }
    const parts = Object.entries(losses).filter(([name]) => name.startsWith("loss."));
    const loss = parts.slice(1).reduce((sum, [, part]) => add(sum, part), parts[0]![1]);
    const found = await run(
      { ...losses, "loss.total": loss, ...Object.fromEntries(model.records), ...gradientsOf(loss) },
      {
        ...feeds,
        image: data,
        "head.boxes": boxes,
        "head.pictures": pictures,
        classes: vectors,
        shown: BigInt64Array.from(shown, BigInt),
        labels: BigInt64Array.from(roiClasses, BigInt),
        weights: Float32Array.from(roiClasses, (label) => (label < classes ? 1 : background_weight)),
        deltas,
      },
      weights,
    );
    await compareAll(golden, found, /^(loss|grad|head|mask\.logits)/);
    await golden.close();
  });
