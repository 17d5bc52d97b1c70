import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { anchorsOf } from "../../src/boxes/anchors.ts";
import { bestFirst, candidateDetections, selectDetections } from "../../src/boxes/select.ts";
import { type Glip, glip, publishedExtras } from "../../src/models/glip/glip.ts";
import { glipPresets } from "../../src/models/glip/glip-presets.ts";
import { Session } from "../../src/onnx/index.ts";
import { Predictor } from "../../src/tasks/finding/predictor.ts";
import { input } from "../../src/tensor/index.ts";
import { loadWeights } from "../../src/weights/fit.ts";
import { openWeights } from "../../src/weights/open-weights.ts";
import { Comparison, glipNano, needsGlipNano, openGolden } from "./golden.ts";

interface Meta {
  label_to_token: Record<string, number[]>;
  resized_hw: [number, number];
}

/** Stored, but not computed by our model: inputs, anchors, results of the selection, and text features that no published model uses. */
const elsewhere = /^(input|anchors|post)\.|^lang\.(embedded|aggregate)$/;

async function weightsOf(model: Glip): Promise<Map<string, Float32Array>> {
  const file = await openWeights(join(glipNano!, "checkpoint.pth"));
  try {
    return await loadWeights(model.parameters, file, { mayBeUnused: publishedExtras });
  } finally {
    await file.close();
  }
}

for (const name of ["infer-128", "infer-320"])
  for (const sizes of ["baked", "fed"] as const)
    test(`every intermediate of ${name} is the reference's, with sizes ${sizes}`, { skip: needsGlipNano }, async () => {
      const golden = await openGolden<Meta>(join(glipNano!, name));
      const model = glip(glipPresets.nano);
      const image = input("image", golden.shape("input.image"));
      const ids = input("ids", [1, 256], "int64");
      const mask = input("mask", [1, 256]);
      model.answer(model.image(image), model.text(ids, mask), mask);
      const wanted = golden.names.filter((key) => !elsewhere.test(key));
      const session = await Session.compile(Object.fromEntries(wanted.map((key) => [key, model.records.get(key)!])), {
        sizes,
      });
      const found = await session.run(
        {
          image: await golden.floats("input.image"),
          ids: BigInt64Array.from(await golden.integers("input.input_ids"), BigInt),
          mask: await golden.floats("input.attention_mask"),
        },
        { weights: await weightsOf(model) },
      );
      const comparison = new Comparison();
      for (const key of wanted) await comparison.add(golden, key, found[key] as Float32Array);
      await session.dispose();
      await golden.close();
      comparison.finish(84);
    });

for (const name of ["infer-128", "infer-320"])
  test(`${name} ends in the reference's detections, in its order`, { skip: needsGlipNano }, async () => {
    const golden = await openGolden<Meta>(join(glipNano!, name));
    const model = glip(glipPresets.nano);
    const predictor = new Predictor(model, await weightsOf(model), { threads: 1 });
    const [, , height, width] = golden.shape("input.image") as [number, number, number, number];
    const mask = await golden.integers("input.attention_mask");
    const ids = await golden.integers("input.input_ids");
    const [resizedHeight, resizedWidth] = golden.meta.resized_hw;
    const features = await predictor.image({
      tensor: await golden.floats("input.image"),
      height: resizedHeight,
      width: resizedWidth,
      paddedHeight: height,
      paddedWidth: width,
    });
    const real = mask.reduce((sum, value) => sum + value, 0);
    const levels = await predictor.answer(features, await predictor.text(Int32Array.from(ids.slice(0, real))));
    await predictor.dispose();

    const comparison = new Comparison();
    for (const [i, anchors] of anchorsOf(height, width).entries())
      await comparison.add(golden, `anchors.p${i + 3}`, anchors);
    const options = {
      labelTokens: Object.values(golden.meta.label_to_token),
      height: resizedHeight,
      width: resizedWidth,
    };
    const candidates = candidateDetections(levels, options);
    assert.equal(candidates.scores.length, golden.shape("post.pre_nms.scores")[0]);
    const { boxes, scores, labels } = bestFirst(selectDetections(levels, options));
    const part = "post.final_sorted";
    assert.deepEqual(
      Array.from(labels, (label) => label + 1),
      await golden.integers(`${part}.labels`),
    );
    await comparison.add(golden, `${part}.scores`, scores);
    await comparison.add(golden, `${part}.boxes`, boxes);
    await golden.close();
    comparison.finish(7);
  });
