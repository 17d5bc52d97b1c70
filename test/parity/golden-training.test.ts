import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { anchorsOf } from "../../src/boxes/anchors.ts";
import { assignAnchors, concatenate } from "../../src/boxes/atss.ts";
import { gradients } from "../../src/grad/index.ts";
import { glip, publishedExtras } from "../../src/models/glip/glip.ts";
import { glipPresets } from "../../src/models/glip/glip-presets.ts";
import { Session } from "../../src/onnx/index.ts";
import { glipLossesOf } from "../../src/tasks/grounding/fixtures/glip-losses.ts";
import { targetsOf } from "../../src/tasks/grounding/targets.ts";
import { GroundingTrainingStep } from "../../src/tasks/grounding/training-step.ts";
import { input, type Tensor } from "../../src/tensor/index.ts";
import { loadWeights } from "../../src/weights/fit.ts";
import { openWeights } from "../../src/weights/open-weights.ts";
import { Comparison, type Golden, glipNano, needsGlipNano, openGolden } from "./golden.ts";

const TOKENS = 256;
/** Zero up to rounding: a softmax does not depend on the keys' bias, and one head is never trained. */
const withoutGradient = /key\.bias$|cls_logits/;

const options = { skip: needsGlipNano };
const open = () => openGolden<unknown>(join(glipNano!, "train-166"));

async function truthsOf(golden: Golden<unknown>) {
  const positive = await golden.floats("input.positive_map");
  const truths = [];
  let row = 0;
  for (const picture of [0, 1]) {
    const boxes = await golden.floats(`input.boxes.${picture}`);
    const tokens = Array.from({ length: boxes.length / 4 }, () =>
      [...positive.subarray(row * TOKENS, ++row * TOKENS)].flatMap((value, token) => (value > 0 ? [token] : [])),
    );
    truths.push({ boxes, tokens });
  }
  return truths;
}

async function batchOf(golden: Golden<unknown>) {
  const [pictures, , height, width] = golden.shape("input.image") as [number, number, number, number];
  const levels = anchorsOf(height, width);
  return {
    image: await golden.floats("input.image"),
    pictures,
    height,
    width,
    ids: BigInt64Array.from(await golden.integers("input.input_ids"), BigInt),
    mask: await golden.floats("input.attention_mask"),
    tokens: TOKENS,
    targets: targetsOf(await truthsOf(golden), levels, { tokens: TOKENS, maxTokens: TOKENS }),
  };
}

async function nano() {
  const model = glip(glipPresets.nano);
  const file = await openWeights(join(glipNano!, "checkpoint.pth"));
  const weights = await loadWeights(model.parameters, file, { mayBeUnused: publishedExtras });
  await file.close();
  return { model, weights };
}

test("a batch gets the reference's anchors, token targets and centerness", options, async () => {
  const golden = await open();
  const { targets, height, width } = await batchOf(golden);
  const levels = anchorsOf(height, width);
  const anchors = concatenate(levels).length / 4;
  const centerness: number[] = [];
  for (const [picture, { boxes }] of (await truthsOf(golden)).entries()) {
    const { positives } = assignAnchors(levels, boxes);
    assert.deepEqual([...positives], await golden.integers(`atss.pos_inds.${picture}`));
    const expected = await golden.integers(`atss.token_labels.${picture}`);
    const start = picture * anchors * TOKENS;
    const tokens = targets["target.tokens"]!.subarray(start, start + anchors * TOKENS);
    assert.deepEqual(Array.from(tokens), expected);
    for (const anchor of positives) centerness.push(targets["target.centerness"]![picture * anchors + anchor]!);
  }
  assert.equal(targets["target.positiveCount"]![0], centerness.length);
  const comparison = new Comparison();
  await comparison.add(golden, "atss.centerness_targets", centerness);
  await golden.close();
  comparison.finish(1);
});

test("the losses and the gradient of every parameter are the reference's", options, async () => {
  const golden = await open();
  const expected = await openGolden<unknown>(join(glipNano!, "train-166-all-grads"));
  const { model, weights } = await nano();
  const step = new GroundingTrainingStep(model, { threads: 2 });
  const found = await step.run(weights, await batchOf(golden));
  await step.dispose();
  const comparison = new Comparison();
  for (const [name, loss] of Object.entries(found.losses)) await comparison.add(golden, `loss.${name}`, [loss]);
  for (const key of expected.names) {
    const name = key.slice("grad.".length);
    if (withoutGradient.test(name)) continue;
    await comparison.add(expected, key, found.gradients.get(name)!);
  }
  await golden.close();
  await expected.close();
  comparison.finish(3 + expected.names.filter((key) => !withoutGradient.test(key)).length);
});

test("the derivative of the loss by every output of the head is the reference's", options, async () => {
  const golden = await open();
  const batch = await batchOf(golden);
  const levels = [3, 4, 5, 6, 7].map((p) => {
    const fed = (part: string) => input(`${part}.p${p}`, golden.shape(`head.${part}.p${p}`));
    return { logits: fed("dot_product_logits"), offsets: fed("bbox_pred"), centerness: fed("centerness") };
  });
  const { pictures, height, width } = batch;
  const { total } = glipLossesOf(levels, { pictures, height, width, tokens: TOKENS });
  const outputs = levels.flatMap((level) => Object.values(level)) as Tensor<"input">[];
  const names = outputs.map(({ attributes }) => attributes.name);
  const derivatives = gradients(total!, outputs);
  const session = await Session.compile(Object.fromEntries(names.map((name, i) => [`d.${name}`, derivatives[i]!])));
  const feeds: Record<string, Float32Array> = { "target.mask": batch.mask, ...batch.targets };
  for (const name of names) feeds[name] = await golden.floats(`head.${name}`);
  const found = await session.run(feeds);
  await session.dispose();
  const comparison = new Comparison();
  for (const name of names) await comparison.add(golden, `dhead.${name}`, found[`d.${name}`] as Float32Array);
  await golden.close();
  comparison.finish(15);
});
