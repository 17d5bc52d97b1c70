/** Reference numbers of a GLIPv2, and what its tests share. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { gradients } from "../../src/grad/index.ts";
import { glipPresets } from "../../src/models/glip/glip-presets.ts";
import type { ContrastConfig } from "../../src/models/glip-v2/contrast-space.ts";
import { type GlipV2, glipV2 } from "../../src/models/glip-v2/glip-v2.ts";
import { Session } from "../../src/onnx/index.ts";
import { input, type Numbers, reachable, type Tensor } from "../../src/tensor/index.ts";
import { loadWeights } from "../../src/weights/fit.ts";
import { openWeights } from "../../src/weights/open-weights.ts";
import { type Comparison, type Golden, MOST, openGolden } from "./golden.ts";

const folder = join(import.meta.dirname, "..", "..", "..", "shared", "golden", "glipv2");

/** Why tests that need the reference numbers are skipped. */
export const needsGlipV2 = existsSync(folder)
  ? false
  : "reads ../shared/golden/glipv2, which is not beside this repository";

export interface SampleMeta {
  size_hw: [number, number];
  source: "det" | "ground" | "caption";
  image_id: number;
  caption: string;
  phrases: string[];
  phrase_tokens: number[][];
  real_tokens: number;
  box_phrases: number[][];
}

export const openSet = <Meta>(name: string): Promise<Golden<Meta>> => openGolden<Meta>(join(folder, name));
export const glipV2Folder = folder;

/** The small GLIPv2 with all heads; sizes that may differ between sets come from its file. */
export async function nanoV2(
  regions: ContrastConfig["regions"] = "c4",
): Promise<{ model: GlipV2; weights: Map<string, Float32Array> }> {
  const file = await openWeights(join(folder, "weights.safetensors"));
  try {
    const rows = (name: string) => file.entries.get(name)!.shape[0]!;
    const { bert, ...nano } = glipPresets.nano;
    const model = glipV2({
      ...nano,
      bert: { ...bert, vocabularySize: rows("language_backbone.body.model.embeddings.word_embeddings.weight") },
      contrast: { width: rows("rpn.loss_evaluator.shallow_contrastive_projection_text.weight"), regions },
      heads: { maskedWords: true, masks: true, captions: true },
      answers: Array.from({ length: rows("vqa_head.fc2.bias") }, (_, i) => `answer ${i}`),
    });
    const other =
      /cls_logits|relative_position_index|position_ids|cell_anchors|decoder\.bias|shallow_contrastive_projection_image/;
    return { model, weights: await loadWeights(model.parameters, file, { mayBeUnused: other }) };
  } finally {
    await file.close();
  }
}

/** The inputs of a set as tensors, and what they are fed. */
export async function inputsOf(golden: Golden<unknown>, ids = "input.input_ids") {
  return {
    image: input("image", golden.shape("input.image")),
    ids: input("ids", golden.shape(ids), "int64"),
    mask: input("mask", golden.shape("input.attention_mask")),
    feeds: {
      image: await golden.floats("input.image"),
      ids: BigInt64Array.from(await golden.integers(ids), BigInt),
      mask: Float32Array.from(await golden.integers("input.attention_mask")),
    } as Record<string, Numbers>,
  };
}

export async function runAll(
  outputs: Record<string, Tensor>,
  feeds: Record<string, Numbers>,
  weights: ReadonlyMap<string, Float32Array>,
): Promise<Record<string, Float32Array>> {
  const session = await Session.compile(outputs, {
    threads: 1,
    without: ["MatMulScaleFusion", "MatmulTransposeFusion"],
  });
  try {
    const wanted = new Set(session.lowered.inputs.map(({ name }) => name));
    const fed = Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name)));
    return (await session.run(fed, { weights })) as Record<string, Float32Array>;
  } finally {
    await session.dispose();
  }
}

const parametersOf = (loss: Tensor) =>
  reachable([loss]).filter((tensor): tensor is Tensor<"parameter"> => tensor.operation === "parameter");

/** The gradient of a loss for every parameter it depends on, by `grad.` and name. */
export function gradientsOf(loss: Tensor, of: RegExp = /./): Record<string, Tensor> {
  const trained = parametersOf(loss).filter(({ attributes: { name } }) => of.test(name));
  const slopes = gradients(loss, trained);
  return Object.fromEntries(trained.map(({ attributes: { name } }, i) => [`grad.${name}`, slopes[i]!]));
}

/** Compares every stored gradient; those that the set calls zero must be absent or zero. `prefix` is theirs in the file. */
export async function compareGradients(
  golden: Golden<Record<string, unknown>>,
  found: Record<string, Float32Array>,
  comparison: Comparison,
  prefix = "grad.",
): Promise<number> {
  const names = golden.names.filter((name) => name.startsWith(prefix));
  for (const name of names) {
    const ours = found[`grad.${name.slice(prefix.length)}`];
    assert.ok(ours, `${name} was not computed`);
    if (name.includes(".feature_extractor.")) await withinShare(golden, name, ours);
    else await comparison.add(golden, name, ours);
    const { l2 = 0, fp32_vs_fp64_maxabs = 0 } = golden.entry(name) as { l2?: number; fp32_vs_fp64_maxabs?: number };
    const length = Math.sqrt(ours.reduce((sum, value) => sum + value * value, 0));
    const loose = name.includes(".feature_extractor.") ? 1e-3 * l2 : 0;
    const most = Math.max(loose, MOST * Math.max(fp32_vs_fp64_maxabs * Math.sqrt(ours.length), l2 * 2 ** -22));
    if (!(Math.abs(length - l2) <= most)) comparison.note(`${name}: length ${length}, not ${l2}`);
  }
  for (const name of golden.meta[`${prefix.replace(/\.$/, "")}.zero`] as string[])
    assert.ok(
      (found[`grad.${name}`] ?? []).every((value: number) => value === 0),
      `${name} has a gradient`,
    );
  return names.filter((name) => !name.includes(".feature_extractor.")).length;
}

/** Rounding decides signs and maxima inside the hourglasses: 5e-3 of the largest value. */
async function withinShare(golden: Golden<unknown>, name: string, ours: Float32Array): Promise<void> {
  const expected = await golden.floats(name);
  const { stride = 1, absmax = 0 } = golden.entry(name);
  expected.forEach((value, i) => {
    const error = Math.abs(ours[i * stride]! - value);
    assert.ok(error <= 5e-3 * absmax, `${name}: off by ${error} of ${absmax}`);
  });
}

/**
 * Where deformable convolution reads exactly at a pixel, its derivative by the place jumps, and rounding decides for a side. If a place is that near, the weights are given
 * three times: as they are, and with the bias of that offset moved a few roundings to either side.
 */
export async function bothSides(
  model: GlipV2,
  feeds: Record<string, Numbers>,
  weights: Map<string, Float32Array>,
): Promise<Map<string, Float32Array>[]> {
  const places = [...model.records].filter(([name]) => name.includes(".detail.offset_mask."));
  const found = await runAll(Object.fromEntries(places), feeds, weights);
  const moved = [-1, 1].map((side) => ({ side, numbers: new Map(weights) }));
  let near = 0;
  for (const [name, { shape }] of places) {
    const [, channels, h, w] = shape as [number, number, number, number];
    found[name]!.forEach((value, i) => {
      const channel = Math.floor(i / (h * w)) % channels;
      if (channel >= 18 || Math.abs(value - Math.round(value)) > 2 ** -22) return;
      near++;
      const bias = `rpn.head.dyhead_${name.split(".").slice(0, 2).join(".")}.offset.bias`;
      for (const { side, numbers } of moved) {
        const biases = numbers.get(bias)!.slice();
        biases[channel]! += side * 2 ** -21;
        numbers.set(bias, biases);
      }
    });
  }
  return near > 0 ? [weights, ...moved.map(({ numbers }) => numbers)] : [weights];
}
