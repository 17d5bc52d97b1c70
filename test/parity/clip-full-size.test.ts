import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePicture } from "../../src/inputs/pictures/picture.ts";
import { CLIP_PIXELS, cropSquare, prepareCrop } from "../../src/inputs/pictures/prepare-crop.ts";
import { clip } from "../../src/models/clip/clip.ts";
import { clipPresets } from "../../src/models/clip/clip-presets.ts";
import { endPlaces } from "../../src/models/clip/text-encoder.ts";
import { foldedNorm, foldNorms } from "../../src/models/parts/normed-convolution.ts";
import { Session } from "../../src/onnx/index.ts";
import { storeWeights } from "../../src/onnx/stored-weights.ts";
import { input } from "../../src/tensor/index.ts";
import { clipFormula, formulaWeight } from "./formula-weights.ts";
import { Comparison, openGolden } from "./golden.ts";
import { formulaSets, needsClip } from "./golden-clip.ts";

interface Meta {
  preset: keyof typeof clipPresets;
  seed: number;
}

for (const { name, stem } of formulaSets())
  test(`${name}: a full-size CLIP with formula weights has another implementation's outputs`, {
    skip: needsClip,
  }, async () => {
    const golden = await openGolden<Meta>(stem);
    const { preset, seed } = golden.meta;
    const config = clipPresets[preset];
    const side = config.image.resolution;
    const picture = await decodePicture(`${stem}.png`);
    assert.deepEqual(Array.from(cropSquare(picture, side).data), await golden.integers("input.rgb"));
    const image = prepareCrop(picture, { side, ...CLIP_PIXELS });
    assert.deepEqual(image, await golden.floats("input.image"));

    const numbers = clip(config).parameters.map(
      ({ name: key, shape }) => [key, formulaWeight(key, shape, seed, clipFormula)] as const,
    );
    const { baked, derive, weightsFolder, dispose } = await storeWeights(foldNorms(new Map(numbers)));
    const model = clip(config, { normed: foldedNorm });
    const [rows, length] = golden.shape("input.input_ids") as [number, number];
    const ids = BigInt64Array.from(await golden.integers("input.input_ids"), BigInt);
    const pictures = model.image(input("image", [1, 3, side, side]));
    model.logits(pictures, model.text(input("ids", [rows, length], "int64"), input("ends", [rows], "int64")));
    const wanted = golden.names.filter((key) => model.records.has(key));
    const outputs = Object.fromEntries(wanted.map((key) => [key, model.records.get(key)!]));
    const session = await Session.compile(outputs, { baked, derive, weightsFolder });
    const found = await session.run({ image, ids, ends: endPlaces(ids, length) });
    await session.dispose();
    dispose();
    const comparison = new Comparison();
    for (const key of wanted) await comparison.add(golden, key, found[key] as Float32Array);
    await golden.close();
    comparison.finish(golden.names.length - 3);
  });
