import assert from "node:assert/strict";
import { test } from "node:test";
import { gridAnchors } from "../../src/boxes/grid-anchors.ts";
import { pasteMask } from "../../src/boxes/masks/paste.ts";
import { type Proposals, proposals } from "../../src/boxes/proposals.ts";
import {
  onOriginal,
  type RegionDetections,
  type RegionOptions,
  regionCandidates,
  suppressRegions,
} from "../../src/boxes/region-detections.ts";
import { inferRegionClipConfig } from "../../src/models/region-clip/infer-region-clip-config.ts";
import { ANCHOR_RATIOS, PYRAMID_LEVELS, SINGLE_LEVEL } from "../../src/models/region-clip/localiser.ts";
import { type RegionClip, regionClip } from "../../src/models/region-clip/region-clip.ts";
import { input, sigmoid } from "../../src/tensor/index.ts";
import { Comparison, type Golden, MOST, openGolden } from "./golden.ts";
import {
  classVectors,
  detectionSets,
  needsRegionClip,
  pictureBatch,
  type RegionClipMeta,
  runOnce,
  weightsWith,
} from "./golden-regionclip.ts";

const skip = needsRegionClip;
type Weights = ReadonlyMap<string, Float32Array>;

/** The anchors of each level of the padded picture, and the proposals in each picture. */
async function propose(golden: Golden<RegionClipMeta>, model: RegionClip, weights: Weights) {
  const { localiser } = model.config;
  const { data, shape } = await pictureBatch(golden, "localiser", localiser!.pyramid ? 32 : 1);
  const levels = model.propose!(input("pictures", shape));
  const outputs = Object.fromEntries(
    levels.flatMap(({ logits, deltas }, i) => [
      [`logits.${i}`, logits],
      [`deltas.${i}`, deltas],
    ]),
  );
  const found = await runOnce(outputs, { pictures: data }, weights);
  const maps = localiser!.pyramid ? PYRAMID_LEVELS.map((_, i) => `offline.p${i + 2}`) : ["offline.res4"];
  const anchors = (localiser!.pyramid ? PYRAMID_LEVELS : SINGLE_LEVEL).map(({ stride, sizes }, i) => {
    const [, , height, width] = model.records.get(maps[i]!)!.shape as [number, number, number, number];
    return gridAnchors({ height, width, stride }, { sizes, ratios: ANCHOR_RATIOS });
  });
  const { pre, nms, post } = golden.meta.rpn!;
  const pictures = golden.meta.resized_hw.map(([height, width], picture): Proposals => {
    const ofPicture = (numbers: Float32Array) => {
      const each = numbers.length / shape[0];
      return numbers.subarray(picture * each, (picture + 1) * each);
    };
    const all = anchors.map((own, i) => ({
      anchors: own,
      logits: ofPicture(found[`logits.${i}`]!),
      deltas: ofPicture(found[`deltas.${i}`]!),
    }));
    return proposals(all, { before: pre, overlap: nms, after: post, height, width });
  });
  return { anchors, pictures };
}

function optionsOf({ select, resized_hw }: RegionClipMeta, picture: number): RegionOptions {
  const { threshold, topk, nms, soft, sigma = 0.5, prune = 0.001, fuse } = select!;
  const [height, width] = resized_hw[picture]!;
  return {
    height,
    width,
    threshold,
    topK: topk,
    suppression: soft ? { kind: "soft", sigma, least: prune } : { kind: "hard", overlap: nms },
    fusion: fuse ?? "none",
  };
}

/** Compares detections as a set: each has one with its label among the stored ones, within the tolerance. */
async function compareSets(golden: Golden<RegionClipMeta>, part: string, found: RegionDetections) {
  const labels = await golden.integers(`${part}.labels`);
  await assertPartners(golden, { boxes: `${part}.boxes`, scores: `${part}.scores` }, { ...found, stored: labels });
}

/**
 * Compares proposals: their logits have the order of the stored ones, and each has a match among those. Boxes whose logits rounding cannot
 * distinguish may change places.
 */
async function compareProposals(golden: Golden<RegionClipMeta>, part: string, { boxes, logits }: Proposals) {
  const comparison = new Comparison();
  await comparison.add(golden, `${part}.logits`, logits);
  comparison.finish(1);
  const labels = new Int32Array(logits.length);
  const names = { boxes: `${part}.boxes`, scores: `${part}.logits` };
  await assertPartners(golden, names, { boxes, scores: logits, labels, stored: labels });
}

interface Partnered extends Pick<RegionDetections, "boxes" | "scores" | "labels"> {
  /** Labels of the stored detections. */
  stored: ArrayLike<number>;
}

async function assertPartners(
  golden: Golden<RegionClipMeta>,
  names: { boxes: string; scores: string },
  found: Partnered,
): Promise<void> {
  const boxes = await golden.floats(names.boxes);
  const scores = await golden.floats(names.scores);
  assert.equal(found.scores.length, scores.length, `${names.scores}: count`);
  const limit = (name: string) => {
    const { absmax = 0, fp32_vs_fp64_maxabs = 0 } = golden.entry(name);
    return MOST * Math.max(fp32_vs_fp64_maxabs, absmax * 2 ** -23);
  };
  const [most, far] = [limit(names.scores), limit(names.boxes)];
  const left = new Set(scores.keys());
  found.scores.forEach((score, i) => {
    const near = [...left].find(
      (row) =>
        found.stored[row] === found.labels[i] &&
        Math.abs(scores[row]! - score) <= most &&
        [0, 1, 2, 3].every((k) => Math.abs(boxes[4 * row + k]! - found.boxes[4 * i + k]!) <= far),
    );
    assert.ok(near !== undefined, `${names.boxes}: nothing stored is ${i}, label ${found.labels[i]}, ${score}`);
    left.delete(near);
  });
}

/** Masks of the stored detections, as probabilities in their boxes and on the original picture. */
async function compareMasks(golden: Golden<RegionClipMeta>, picture: number, model: RegionClip, weights: Weights) {
  const part = `post.${picture}`;
  const { data, shape } = await pictureBatch(golden, "recogniser");
  const boxes = await golden.floats(`${part}.final.boxes`);
  const count = boxes.length / 4;
  const places = input("boxes", [count, 4]);
  const regions = model.regions(model.image(input("image", shape)), places, input("pictures", [count], "int64"));
  const shares = sigmoid(model.masks!(regions.maps));
  const outputs = { shares, "mask.res5": regions.maps, "mask.pooled": model.records.get("head.pooled")! };
  const pictures = new BigInt64Array(count).fill(BigInt(picture));
  const found = await runOnce(outputs, { image: data, boxes, pictures }, weights);
  const comparison = new Comparison();
  for (const name of ["mask.pooled", "mask.res5"]) await comparison.add(golden, name, found[name]!);
  await comparison.add(golden, `${part}.final.masks`, found.shares!);
  comparison.finish(3);

  const [, side] = golden.shape(`${part}.final.masks`) as [number, number];
  const [, height, width] = golden.shape(`${part}.original.masks`) as [number, number, number];
  const whole = await golden.integers(`${part}.original.masks`);
  const original = await golden.floats(`${part}.original.boxes`);
  for (let i = 0; i < count; i++) {
    const box = original.subarray(4 * i, 4 * i + 4);
    const own = found.shares!.subarray(i * side * side, (i + 1) * side * side);
    const pasted = pasteMask({ shares: own, side, box }, { height, width });
    const stored = whole.slice(i * height * width, (i + 1) * height * width);
    const apart = stored.filter((pixel, k) => pixel !== pasted[k]).length;
    assert.equal(apart, 0, `mask ${i}: ${apart} pixels differ`);
  }
}

for (const { name, stem, hasLevels, hasRegions } of detectionSets()) {
  if (hasLevels)
    test(`${name}: the reference's anchors, and its proposals in its order`, { skip }, async () => {
      const golden = await openGolden<RegionClipMeta>(stem);
      const { weights, entries } = await weightsWith(golden.meta.rpn?.file);
      const model = regionClip(inferRegionClipConfig(entries, stem));
      const { anchors, pictures } = await propose(golden, model, weights);
      const comparison = new Comparison();
      for (const [i, own] of anchors.entries()) await comparison.add(golden, `rpn.anchors.${i}`, own);
      comparison.finish(anchors.length);
      for (const [i, own] of pictures.entries()) await compareProposals(golden, `rpn.proposals.${i}`, own);
      await golden.close();
    });

  if (hasRegions)
    test(`${name}: from pictures to the reference's detections`, { skip }, async () => {
      const golden = await openGolden<RegionClipMeta>(stem);
      const { weights, entries } = await weightsWith(golden.meta.rpn?.file);
      const model = regionClip(inferRegionClipConfig(entries, stem));
      const proposed = golden.meta.rpn ? (await propose(golden, model, weights)).pictures : undefined;
      const { vectors, classes } = await classVectors(golden.meta.classes!);
      const { data, shape } = await pictureBatch(golden, "recogniser");
      const maps = model.image(input("image", shape));
      for (const picture of golden.meta.resized_hw.keys()) {
        const boxes = proposed ? proposed[picture]!.boxes : await golden.floats(`input.boxes.${picture}`);
        const count = boxes.length / 4;
        const regions = model.regions(maps, input("boxes", [count, 4]), input("pictures", [count], "int64"));
        const outputs = {
          logits: model.logits(regions.vectors, input("classes", [classes, model.config.embedding])),
          deltas: model.offsets(regions.vectors),
        };
        const pictures = new BigInt64Array(count).fill(BigInt(picture));
        const said = await runOnce(outputs, { image: data, boxes, pictures, classes: vectors }, weights);
        const objectness = proposed && { objectness: proposed[picture]!.logits };
        const deltas = golden.meta.select!.box_deltas && { deltas: said.deltas! };
        const answers = { boxes, logits: said.logits!, classes, ...(deltas || {}), ...(objectness ?? {}) };
        const options = optionsOf(golden.meta, picture);
        const candidates = regionCandidates(answers, options);
        await compareSets(golden, `post.${picture}.candidates`, candidates);
        const final = suppressRegions(candidates, options);
        await compareSets(golden, `post.${picture}.final`, final);
        const [height, width] = golden.meta.original_hw[picture]!;
        await compareSets(golden, `post.${picture}.original`, onOriginal(final, options, { height, width }));
        if (golden.names.includes(`post.${picture}.final.masks`)) await compareMasks(golden, picture, model, weights);
      }
      await golden.close();
    });
}
