/** All intermediate tensors of a model from a picture and a prompt to detections, named as in the reference data. */

import { anchorsOf } from "../../boxes/anchors.ts";
import { bestFirst, candidateDetections, type Detections, finalDetections } from "../../boxes/select.ts";
import { InputError } from "../../errors.ts";
import { prepareImage, resizedPicture } from "../../inputs/pictures/prepare-image.ts";
import type { Picture } from "../../inputs/pictures/resize.ts";
import type { Pass, Prompt } from "../../inputs/words/prompts.ts";
import { Session } from "../../onnx/index.ts";
import type { StoredModel } from "../../tasks/finding/model-folder.ts";
import { input } from "../../tensor/index.ts";
import type { TensorToWrite } from "../../weights/write-safetensors.ts";

const LEVELS = ["p3", "p4", "p5", "p6", "p7"] as const;

/** Runs a model once with the caption padded to the model's maximum length. Boxes are in pixels of the resized picture; labels start at 1. */
export async function intermediates(
  { model, weights, preparation }: Omit<StoredModel, "words">,
  picture: Picture,
  { passes }: Prompt,
): Promise<TensorToWrite[]> {
  const { maxTokens } = model;
  if (passes.length > 1)
    throw new InputError(`the prompt is longer than the model's ${maxTokens} tokens; inspect fewer names at once`);
  const pass = passes[0]!;
  const { tensor, width, height, paddedWidth, paddedHeight } = prepareImage(picture, preparation);
  const given = inputsOf(pass, maxTokens);
  const image = input("image", [1, 3, paddedHeight, paddedWidth]);
  const mask = input("mask", [1, maxTokens]);
  model.answer(model.image(image), model.text(input("ids", [1, maxTokens], "int64"), mask), mask);
  const records = [...model.records];
  const session = await Session.compile(Object.fromEntries(records));
  const found = await session
    .run({ image: tensor, ids: given.ids, mask: given.mask }, { weights })
    .finally(() => session.dispose());
  const float = (name: string, shape: readonly number[], data: Float32Array): TensorToWrite => {
    return { name, dtype: "F32", shape, data };
  };
  const anchors = anchorsOf(paddedHeight, paddedWidth);
  const levels = LEVELS.map((level, i) => ({
    logits: found[`head.dot_product_logits.${level}`] as Float32Array,
    offsets: found[`head.bbox_pred.${level}`] as Float32Array,
    centerness: found[`head.centerness.${level}`] as Float32Array,
    anchors: anchors[i]!,
  }));
  const candidates = candidateDetections(levels, { labelTokens: pass.labelTokens, width, height });
  const final = finalDetections(candidates, {});
  return [
    {
      name: "input.rgb",
      dtype: "U8",
      shape: [height, width, 3],
      data: resizedPicture(picture, preparation).data,
    },
    float("input.image", [1, 3, paddedHeight, paddedWidth], tensor),
    { name: "input.input_ids", dtype: "I64", shape: [1, maxTokens], data: given.ids },
    { name: "input.attention_mask", dtype: "I64", shape: [1, maxTokens], data: BigInt64Array.from(given.mask, BigInt) },
    float("input.positive_map", [pass.classes.length, maxTokens], positiveMap(pass, maxTokens)),
    ...aggregates(found["lang.hidden"] as Float32Array, given.mask),
    ...records.map(([name, { shape }]) => float(name, shape, found[name] as Float32Array)),
    ...anchors.map((boxes, i) => float(`anchors.${LEVELS[i]}`, [boxes.length / 4, 4], boxes)),
    ...detectionTensors("post.pre_nms", candidates),
    ...detectionTensors("post.final", final),
    ...detectionTensors("post.final_sorted", bestFirst(final)),
  ];
}

function inputsOf({ ids }: Pass, length: number): { ids: BigInt64Array; mask: Float32Array } {
  const padded = new BigInt64Array(length);
  ids.forEach((id, i) => {
    padded[i] = BigInt(id);
  });
  return { ids: padded, mask: new Float32Array(length).fill(1, 0, ids.length) };
}

/** One row per class, with 1 at each of its tokens and 0 elsewhere. */
function positiveMap({ labelTokens }: Pass, length: number): Float32Array {
  const map = new Float32Array(labelTokens.length * length);
  labelTokens.forEach((tokens, label) => {
    for (const token of tokens) map[label * length + token] = 1;
  });
  return map;
}

/** The token features without padding, and their mean, which the reference computes for other heads. */
function aggregates(hidden: Float32Array, mask: Float32Array): TensorToWrite[] {
  const width = hidden.length / mask.length;
  const count = mask.reduce((sum, one) => sum + one, 0);
  const embedded = hidden.map((value, i) => value * mask[Math.floor(i / width)]!);
  const mean = new Float32Array(width);
  embedded.forEach((value, i) => {
    mean[i % width] = mean[i % width]! + value / count;
  });
  return [
    { name: "lang.embedded", dtype: "F32", shape: [1, mask.length, width], data: embedded },
    { name: "lang.aggregate", dtype: "F32", shape: [1, width], data: mean },
  ];
}

function detectionTensors(name: string, { boxes, scores, labels }: Detections): TensorToWrite[] {
  const n = scores.length;
  return [
    { name: `${name}.boxes`, dtype: "F32", shape: [n, 4], data: boxes },
    { name: `${name}.scores`, dtype: "F32", shape: [n], data: scores },
    {
      name: `${name}.labels`,
      dtype: "I64",
      shape: [n],
      data: BigInt64Array.from(labels, (label) => BigInt(label + 1)),
    },
  ];
}
