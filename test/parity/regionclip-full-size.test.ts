import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { regionCandidates, suppressRegions } from "../../src/boxes/region-detections.ts";
import { decodePicture } from "../../src/inputs/pictures/picture.ts";
import { resizeBilinear } from "../../src/inputs/pictures/resize.ts";
import { clipPresets } from "../../src/models/clip/clip-presets.ts";
import { foldedNorm, foldNorms } from "../../src/models/parts/normed-convolution.ts";
import { type RegionClipConfig, regionClip } from "../../src/models/region-clip/region-clip.ts";
import { Session } from "../../src/onnx/index.ts";
import { storeWeights } from "../../src/onnx/stored-weights.ts";
import { input } from "../../src/tensor/index.ts";
import { clipFormula, formulaWeight } from "./formula-weights.ts";
import { Comparison, MOST, openGolden } from "./golden.ts";
import { needsRegionClip, recogniserTensor, regionClipFolder } from "./golden-regionclip.ts";

interface Meta {
  kind: string;
  preset: keyof typeof clipPresets;
  seed: number;
  resized_hw: [number, number];
  select: { threshold: number; nms: number; topk: number };
}

const metaOf = (file: string): Meta => JSON.parse(readFileSync(join(regionClipFolder, file), "utf8")).meta;
const files = needsRegionClip ? [] : readdirSync(regionClipFolder).filter((file) => file.endsWith(".json"));

for (const file of files.filter((one) => metaOf(one).kind === "formula-zeroshot"))
  test(`${file}: a full-size RegionCLIP of formula weights has another implementation's numbers`, async () => {
    const stem = join(regionClipFolder, file.replace(/\.json$/, ""));
    const golden = await openGolden<Meta>(stem);
    const { preset, seed, resized_hw, select } = golden.meta;
    const { embedding, image } = clipPresets[preset];
    assert.ok(image.kind === "resnet");
    const recogniser = { blocks: image.blocks, width: image.width, side: image.resolution / 32 };
    const config: RegionClipConfig = { embedding, recogniser, boxOutputs: 4 };
    const [height, width] = resized_hw;
    const { data: rgb } = resizeBilinear(await decodePicture(`${stem}.png`), { width, height });
    assert.deepEqual(Array.from(rgb), await golden.integers("input.rgb"));

    const numbers = regionClip(config).parameters.map(
      ({ name, shape }) => [name, formulaWeight(name, shape, seed, clipFormula)] as const,
    );
    const { baked, derive, weightsFolder, dispose } = await storeWeights(foldNorms(new Map(numbers)));
    const model = regionClip(config, { normed: foldedNorm });
    const [count] = golden.shape("input.boxes") as [number];
    const [classes] = golden.shape("input.class_embeddings") as [number];
    const regions = model.regions(
      model.image(input("image", [1, 3, height, width])),
      input("boxes", [count, 4]),
      input("pictures", [count], "int64"),
    );
    model.logits(regions.vectors, input("classes", [classes, embedding]));
    const wanted = golden.names.filter((name) => model.records.has(name));
    const outputs = Object.fromEntries(wanted.map((name) => [name, model.records.get(name)!]));
    const session = await Session.compile(outputs, { baked, derive, weightsFolder });
    const boxes = await golden.floats("input.boxes");
    const found = (await session.run({
      image: recogniserTensor(rgb),
      boxes,
      pictures: new BigInt64Array(count),
      classes: await golden.floats("input.class_embeddings"),
    })) as Record<string, Float32Array>;
    await session.dispose();
    dispose();
    const comparison = new Comparison();
    for (const name of wanted) await comparison.add(golden, name, found[name]!);
    comparison.finish(golden.names.filter((name) => /^(backbone|head)\./.test(name)).length);

    const options = {
      height,
      width,
      threshold: select.threshold,
      topK: select.topk,
      suppression: { kind: "hard", overlap: select.nms },
    } as const;
    const final = suppressRegions(
      regionCandidates({ boxes, logits: found["head.logits"]!, classes }, options),
      options,
    );
    const scores = await golden.floats("post.final.scores");
    const labels = await golden.integers("post.final.labels");
    const most = MOST * golden.entry("post.final.scores").fp32_vs_fp64_maxabs!;
    assert.equal(final.scores.length, scores.length);
    const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
    order.forEach((row, i) => {
      assert.ok(Math.abs(scores[row]! - final.scores[i]!) <= most, `score ${i}`);
    });
    assert.deepEqual([...final.labels].sort(), labels.toSorted());
    await golden.close();
  });
