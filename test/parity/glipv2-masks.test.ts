import assert from "node:assert/strict";
import { test } from "node:test";
import { maskLevel } from "../../src/boxes/masks/mask-levels.ts";
import { bitmapTarget, matchProposals, polygonTarget } from "../../src/boxes/masks/mask-targets.ts";
import { pasteInBox } from "../../src/boxes/masks/paste-in-box.ts";
import { runLengthsOf } from "../../src/boxes/masks/run-lengths.ts";
import { MASK_SIDE } from "../../src/models/glip-v2/mask-head.ts";
import { maskLoss } from "../../src/tasks/regions/detector-losses.ts";
import { input, sigmoid } from "../../src/tensor/index.ts";
import { Comparison } from "./golden.ts";
import {
  compareGradients,
  gradientsOf,
  inputsOf,
  nanoV2,
  needsGlipV2,
  openSet,
  runAll,
  type SampleMeta,
} from "./golden-glipv2.ts";
import { boxInputs, tokenShares } from "./golden-masks.ts";

const skip = needsGlipV2;

interface InferMeta extends Record<string, unknown> {
  sample: SampleMeta;
  label_to_token: Record<string, number[]>;
  original_hw: [number, number];
  levels: number[];
  level_examples: [number[], number][];
  pasted: { masks: { size: string; box: number; counts: number[]; area: number; pixels_near_half: number }[] };
}

test("masks of boxes by the words of their labels are the reference's, and so are their pixels in two sizes", {
  skip,
}, async () => {
  const golden = await openSet<InferMeta>("mask-infer");
  const { meta } = golden;
  const { model, weights } = await nanoV2();
  const { image, ids, mask, feeds } = await inputsOf(golden);
  const boxes = await golden.floats("input.boxes");
  const labels = await golden.integers("input.labels");
  assert.deepEqual(
    labels.map((_, i) => maskLevel(boxes.subarray(4 * i))),
    meta.levels,
  );
  for (const [box, level] of meta.level_examples) assert.equal(maskLevel(box), level, String(box));

  const fed = boxInputs(
    boxes,
    labels.map(() => 0),
  );
  const fused = model.tower.both(model.image(image), model.text(ids, mask), mask);
  const masks = model.masks!;
  const roi = masks.cut(fused.maps, fed.levels, fed.order);
  const pixels = masks.pixels(roi);
  const length = ids.shape[1]!;
  const shares = input("shares", [labels.length, length]);
  const probability = sigmoid(masks.logits(pixels, { words: fused.words, pictures: fed.pictures, shares }));
  const maps = Object.fromEntries(fused.maps.map((map, i) => [`fused.p${i + 3}`, map]));
  const own = labels.map((label) => meta.label_to_token[label]!);
  const found = await runAll(
    { ...maps, "fused.hidden": fused.words, roi, pixels, probability },
    { ...feeds, ...fed.feeds, shares: tokenShares(own, length) },
    weights,
  );
  const comparison = new Comparison();
  for (const name of Object.keys(found)) await comparison.add(golden, name, found[name]!);
  comparison.finish(9);

  const sizes = { resized: meta.sample.size_hw, original: meta.original_hw };
  for (const { size, box, counts, area, pixels_near_half } of meta.pasted.masks) {
    const [height, width] = sizes[size as keyof typeof sizes];
    const moved = (await golden.floats(`pasted_boxes.${size}`)).subarray(4 * box, 4 * box + 4);
    const side = MASK_SIDE;
    const of = found.probability!.subarray(box * side * side, (box + 1) * side * side);
    const pasted = pasteInBox({ shares: of, side, box: moved }, { height, width });
    const expected = new Uint8Array(height * width);
    let at = 0;
    counts.forEach((run, k) => {
      for (let i = at; k % 2 === 1 && i < at + run; i++) expected[(i % height) * width + Math.floor(i / height)] = 1;
      at += run;
    });
    const differ = pasted.reduce((sum, value, i) => sum + Number(value !== expected[i]), 0);
    assert.ok(differ <= pixels_near_half, `${size} box ${box}: ${differ} pixels differ`);
    if (pixels_near_half === 0) assert.deepEqual([...runLengthsOf(pasted, height, width).counts], counts);
    assert.ok(Math.abs(pasted.reduce((sum, value) => sum + value, 0) - area) <= pixels_near_half);
  }
  await golden.close();
});

interface TrainMeta extends Record<string, unknown> {
  samples: SampleMeta[];
  matched: [number, number, boolean][];
  masks: ["polygons" | "rle", number[] | number[][]][][];
  levels: number[];
  loss: { mask: number; fp32_vs_fp64: number };
}

test("a step of the mask head has the reference's matches, targets, loss and gradients", { skip }, async () => {
  const golden = await openSet<TrainMeta>("mask-train");
  const { meta } = golden;
  const { model, weights } = await nanoV2();
  const { image, ids, mask, feeds } = await inputsOf(golden);
  const rows: { picture: number; box: Float32Array; tokens: number[]; target: Uint8Array }[] = [];
  const matched: [number, number, boolean][] = [];
  for (const [picture, sample] of meta.samples.entries()) {
    const objects = await golden.floats(`input.boxes.${picture}`);
    const proposals = await golden.floats(`input.proposals.${picture}`);
    matchProposals(proposals, objects).forEach((object, p) => {
      const tokens =
        object < 0
          ? []
          : [...new Set(sample.box_phrases[object]!.flatMap((k) => sample.phrase_tokens[k]!))].sort((a, b) => a - b);
      matched.push([picture, object, tokens.length > 0]);
      if (tokens.length === 0) return;
      const box = proposals.subarray(4 * p, 4 * p + 4);
      const [kind, value] = meta.masks[picture]![object]!;
      const [height, width] = sample.size_hw;
      const target =
        kind === "polygons"
          ? polygonTarget(value as number[][], box, MASK_SIDE)
          : bitmapTarget({ height, width, counts: Uint32Array.from(value as number[]) }, box, MASK_SIDE);
      rows.push({ picture, box, tokens, target });
    });
  }
  assert.deepEqual(matched, meta.matched);
  assert.deepEqual(
    rows.map(({ box }) => maskLevel(box)),
    meta.levels,
  );
  assert.deepEqual(
    rows.flatMap(({ target }) => [...target]),
    await golden.integers("target"),
  );

  const fed = boxInputs(
    Float32Array.from(rows.flatMap(({ box }) => [...box])),
    rows.map(({ picture }) => picture),
  );
  const fused = model.tower.both(model.image(image), model.text(ids, mask), mask);
  const masks = model.masks!;
  const roi = masks.cut(fused.maps, fed.levels, fed.order);
  const shares = input("shares", [rows.length, ids.shape[1]!]);
  const logits = masks.logits(masks.pixels(roi), { words: fused.words, pictures: fed.pictures, shares });
  const loss = maskLoss(logits, input("targets", logits.shape));
  const found = await runAll(
    {
      "fused.p3": fused.maps[0]!,
      "fused.p4": fused.maps[1]!,
      "fused.hidden": fused.words,
      roi,
      logits,
      loss,
      ...gradientsOf(loss, /^roi_heads/),
    },
    {
      ...feeds,
      ...fed.feeds,
      shares: tokenShares(
        rows.map(({ tokens }) => tokens),
        ids.shape[1]!,
      ),
      targets: Float32Array.from(rows.flatMap(({ target }) => [...target])),
    },
    weights,
  );
  const comparison = new Comparison();
  const arrays = ["fused.p3", "fused.p4", "fused.hidden", "roi", "logits"];
  for (const name of arrays) await comparison.add(golden, name, found[name]!);
  const { mask: expected, fp32_vs_fp64 } = meta.loss;
  assert.ok(
    Math.abs(found.loss![0]! - expected) <= 4 * Math.max(fp32_vs_fp64, expected * 2 ** -23),
    `${found.loss![0]}`,
  );
  const count = await compareGradients(golden, found, comparison);
  await golden.close();
  comparison.finish(arrays.length + count);
});
