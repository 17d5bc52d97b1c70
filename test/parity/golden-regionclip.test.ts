import assert from "node:assert/strict";
import { test } from "node:test";
import { inferRegionClipConfig } from "../../src/models/region-clip/infer-region-clip-config.ts";
import { regionClip } from "../../src/models/region-clip/region-clip.ts";
import { input, type Tensor } from "../../src/tensor/index.ts";
import { Comparison, type Golden, openGolden } from "./golden.ts";
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

/** Compares every stored array that matches the pattern with the model's record. */
async function compare(golden: Golden<RegionClipMeta>, records: ReadonlyMap<string, Tensor>, of: RegExp) {
  const wanted = golden.names.filter((name) => of.test(name));
  const missing = wanted.filter((name) => !records.has(name));
  assert.deepEqual(missing, []);
  return {
    outputs: Object.fromEntries(wanted.map((name) => [name, records.get(name)!])),
    check: async (found: Record<string, Float32Array>) => {
      const comparison = new Comparison();
      for (const name of wanted) await comparison.add(golden, name, found[name]!);
      comparison.finish(wanted.length);
    },
  };
}

/** The given or proposed boxes of all pictures as one list in their order, and the picture of each. */
async function regionsOf(golden: Golden<RegionClipMeta>) {
  const boxes: number[] = [];
  const pictures: bigint[] = [];
  for (const picture of golden.meta.resized_hw.keys()) {
    const given = [`input.boxes.${picture}`, `rpn.proposals.${picture}.boxes`].find((name) =>
      golden.names.includes(name),
    );
    const numbers = await golden.floats(given!);
    boxes.push(...numbers);
    for (let i = 0; i < numbers.length / 4; i++) pictures.push(BigInt(picture));
  }
  return { boxes: Float32Array.from(boxes), pictures: BigInt64Array.from(pictures) };
}

for (const { name, stem, hasLevels, hasRegions } of detectionSets()) {
  if (hasLevels)
    test(`${name}: the localiser has the reference's maps, logits and offsets`, { skip }, async () => {
      const golden = await openGolden<RegionClipMeta>(stem);
      const { weights, entries } = await weightsWith(golden.meta.rpn?.file);
      const model = regionClip(inferRegionClipConfig(entries, stem));
      const { data, shape } = await pictureBatch(golden, "localiser", model.config.localiser!.pyramid ? 32 : 1);
      model.propose!(input("pictures", shape));
      const { outputs, check } = await compare(golden, model.records, /^offline\.|^rpn\.(logits|deltas)\./);
      await check(await runOnce(outputs, { pictures: data }, weights));
      await golden.close();
    });

  if (hasRegions)
    test(`${name}: the recogniser has the reference's regions, logits and offsets`, { skip }, async () => {
      const golden = await openGolden<RegionClipMeta>(stem);
      const { weights, entries } = await weightsWith(golden.meta.rpn?.file);
      const model = regionClip(inferRegionClipConfig(entries, stem));
      const { data, shape } = await pictureBatch(golden, "recogniser");
      const { boxes, pictures } = await regionsOf(golden);
      const { vectors, classes } = await classVectors(golden.meta.classes!);
      const count = pictures.length;
      const regions = model.regions(
        model.image(input("image", shape)),
        input("boxes", [count, 4]),
        input("pictures", [count], "int64"),
      );
      model.logits(regions.vectors, input("classes", [classes, model.config.embedding]));
      model.offsets(regions.vectors);
      const { outputs, check } = await compare(golden, model.records, /^backbone\.|^head\./);
      await check(await runOnce(outputs, { image: data, boxes, pictures, classes: vectors }, weights));
      await golden.close();
    });
}
