import assert from "node:assert/strict";
import { test } from "node:test";
import { gradients } from "../../src/grad/index.ts";
import { type Clip, type ClipConfig, clip } from "../../src/models/clip/clip.ts";
import { inferClipConfig } from "../../src/models/clip/infer-clip-config.ts";
import { endPlaces } from "../../src/models/clip/text-encoder.ts";
import { foldedNorm, foldNorms, runningStatistics, trainedNorm } from "../../src/models/parts/normed-convolution.ts";
import { Session, type SessionOptions } from "../../src/onnx/index.ts";
import { ClipTrainingStep } from "../../src/tasks/classifying/clip-training-step.ts";
import { contrastiveLoss } from "../../src/tasks/classifying/contrastive-loss.ts";
import { input, type Numbers, reachable, type Tensor } from "../../src/tensor/index.ts";
import { openWeights } from "../../src/weights/open-weights.ts";
import { Comparison, type Golden, openGolden } from "./golden.ts";
import { type ClipMeta, nanoSets, nanoWords, needsClip, weightsFrom } from "./golden-clip.ts";

const skip = needsClip;

async function configOf(path: string): Promise<ClipConfig> {
  const file = await openWeights(path);
  await file.close();
  return inferClipConfig(file.entries, path);
}

/** The model with the set's pictures and texts, and its inputs. */
async function traced(golden: Golden<ClipMeta>, model: Clip) {
  const [rows, length] = golden.shape("input.input_ids") as [number, number];
  const logits = model.logits(
    model.image(input("image", golden.shape("input.image"))),
    model.text(input("ids", [rows, length], "int64"), input("ends", [rows], "int64")),
  );
  const ids = BigInt64Array.from(await golden.integers("input.input_ids"), BigInt);
  const feeds = { image: await golden.floats("input.image"), ids, ends: endPlaces(ids, length) };
  return { logits, feeds };
}

type Named = Record<string, Tensor>;
type Weights = ReadonlyMap<string, Float32Array>;

async function run(outputs: Named, feeds: Record<string, Numbers>, weights: Weights, options: SessionOptions = {}) {
  const session = await Session.compile(outputs, { threads: 1, ...options });
  try {
    return (await session.run(feeds, { weights })) as Record<string, Float32Array>;
  } finally {
    await session.dispose();
  }
}

/** The gradient of a loss for every trained parameter that it depends on, under names with `prefix`. */
function gradientsOf(loss: Tensor, prefix: string): Named {
  const trained = reachable([loss]).filter(
    (tensor): tensor is Tensor<"parameter"> =>
      tensor.operation === "parameter" && !runningStatistics.test((tensor as Tensor<"parameter">).attributes.name),
  );
  const slopes = gradients(loss, trained);
  return Object.fromEntries(trained.map(({ attributes: { name } }, i) => [prefix + name, slopes[i]!]));
}

for (const { name, stem, norms: hasNorms } of nanoSets()) {
  for (const norms of hasNorms ? (["frozen", "folded"] as const) : (["absent"] as const)) {
    test(`${name} has the reference's activations, batch norms ${norms}`, { skip }, async () => {
      const golden = await openGolden<ClipMeta>(stem);
      const config = await configOf(`${stem}.pt`);
      const plain = clip(config);
      const stored = await weightsFrom(`${stem}.pt`, plain.parameters);
      const model = norms === "folded" ? clip(config, { normed: foldedNorm }) : plain;
      const weights = norms === "folded" ? foldNorms(stored) : stored;
      const { feeds } = await traced(golden, model);
      const wanted = golden.names.filter((key) => model.records.has(key));
      const outputs = Object.fromEntries(wanted.map((key) => [key, model.records.get(key)!]));
      const found = await run(outputs, feeds, weights, { baked: (key) => weights.get(key) });
      const comparison = new Comparison();
      for (const key of wanted) await comparison.add(golden, key, found[key]!);
      await golden.close();
      const elsewhere = golden.names.filter((key) => /^(input|loss|grad|train|classes)\./.test(key));
      comparison.finish(golden.names.length - elsewhere.length);
    });
  }

  test(`${name}'s training step has the reference's loss and gradients`, { skip }, async () => {
    const golden = await openGolden<ClipMeta>(stem);
    const model = clip(await configOf(`${stem}.pt`));
    const weights = await weightsFrom(`${stem}.pt`, model.parameters);
    const [pictures, tokens] = golden.shape("input.input_ids") as [number, number];
    const { feeds } = await traced(golden, model);
    const step = new ClipTrainingStep(model, { threads: 1 });
    try {
      const { losses, gradients } = await step.run(weights, { pictures, tokens, ...feeds });
      const slopes = [...gradients].map(([key, slope]) => [`grad.${key}`, slope] as const);
      const loss = Float32Array.of(losses.loss_contrastive!);
      await compareTraining(golden, "", { "loss.contrastive": loss, ...Object.fromEntries(slopes) });
    } finally {
      await step.dispose();
      await golden.close();
    }
  });

  if (hasNorms)
    test(`${name} has the reference's loss, gradients and statistics with trained batch norms`, {
      skip,
    }, async () => {
      const golden = await openGolden<ClipMeta>(stem);
      const model = clip(await configOf(`${stem}.pt`), { normed: trainedNorm });
      const weights = await weightsFrom(`${stem}.pt`, model.parameters);
      const { logits, feeds } = await traced(golden, model);
      const loss = contrastiveLoss(logits);
      const after = [...model.records].filter(([key]) => runningStatistics.test(key));
      const outputs = {
        "train.loss.contrastive": loss,
        ...gradientsOf(loss, "train.grad."),
        ...Object.fromEntries(after.map(([key, tensor]) => [`train.after.${key}`, tensor])),
      };
      await compareTraining(golden, "train.", await run(outputs, feeds, weights));
      await golden.close();
    });

  test(`${name}'s texts have the stored token ids`, { skip }, async () => {
    const golden = await openGolden<ClipMeta>(stem);
    const [, length] = golden.shape("input.input_ids") as [number, number];
    const rows = nanoWords().rows(golden.meta.texts, { length, long: "refuse" });
    assert.deepEqual(Array.from(rows, Number), await golden.integers("input.input_ids"));
    await golden.close();
  });
}

/** Every stored loss, gradient and statistic with a prefix, except the keys' bias, whose gradient is only rounding error. */
async function compareTraining(golden: Golden<ClipMeta>, prefix: string, found: Record<string, Float32Array>) {
  const kept = golden.names.filter(
    (key) => key.startsWith(prefix) && /^(loss|grad|after)\./.test(key.slice(prefix.length)),
  );
  const comparison = new Comparison();
  let count = 0;
  for (const key of kept) {
    if (/attnpool\.k_proj\.bias$/.test(key) || /num_batches_tracked$/.test(key)) continue;
    assert.ok(found[key], `${key} was not computed`);
    await comparison.add(golden, key, found[key]);
    count++;
  }
  comparison.finish(count);
  assert.ok(count > 30);
}
