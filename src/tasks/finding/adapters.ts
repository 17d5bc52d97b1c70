/** Low-rank adapters (Hu et al. 2021, section 4.1): a product B·A of two small matrices [o,r] [r,i] is added to a weight W [o,i], and only A and B are trained. */

import type { Random } from "../../data/random.ts";
import { WeightsError } from "../../errors.ts";
import type { Detector } from "../../models/parts/detector.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { baseMetadata } from "./base.ts";
import { baseOf } from "./base-digest.ts";

/** A and B, named as in `peft`: for the weight `X.weight`, they are `X.lora_A.weight` and `X.lora_B.weight`. */
export type Adapters = ReadonlyMap<string, Float32Array>;
type WeightNumbers = ReadonlyMap<string, Float32Array>;

export const ADAPTERS_FORMAT = "groundling-adapters";
/** The weights with adapters: linear attention layers of Swin, BERT and deep fusion, 1×1 convolutions of MobileNetV2 and the FPN, and the projection from words to scores. */
export const adaptedLayers =
  "(.*\\.attn\\.qkv|.*\\.(query|key|value)|.*\\.attn\\.(\\w+_)?proj|.*\\.(expand|project|fpn_inner\\d)|.*dot_product_projection_text)\\.weight$";
const RANK = 4;

/** Initial adapters: A is random and B is zero, so that they add nothing. */
export function newAdapters(model: Pick<Detector, "parameters">, names: readonly string[], random: Random) {
  const shapes = new Map(model.parameters.map(({ name, shape }) => [name, shape]));
  return new Map(
    names.flatMap((name): [string, Float32Array][] => {
      const [outputs, inputs] = shapes.get(name) as [number, number];
      const rank = Math.min(RANK, outputs, inputs);
      const spread = Math.sqrt(3 / inputs);
      const down = Float32Array.from({ length: rank * inputs }, () => spread * (2 * random.unit() - 1));
      return [
        [nameOf(name, "A"), down],
        [nameOf(name, "B"), new Float32Array(outputs * rank)],
      ];
    }),
  );
}

/** The weights plus the adapters' products; weights without adapters are the same arrays. */
export function withAdapters(weights: WeightNumbers, adapters: Adapters): Map<string, Float32Array> {
  const sums = new Map(weights);
  for (const { name, down, up, rank, inputs } of pairsOf(weights, adapters)) {
    const sum = weights.get(name)!.slice();
    for (let o = 0; o < up.length / rank; o++)
      for (let k = 0; k < rank; k++) {
        const share = up[o * rank + k]!;
        for (let i = 0; i < inputs; i++) sum[o * inputs + i]! += share * down[k * inputs + i]!;
      }
    sums.set(name, sum);
  }
  return sums;
}

/** The gradients of A and B from the weights' gradients G: Bᵀ·G and G·Aᵀ. */
export function adapterGradients(adapters: Adapters, gradients: WeightNumbers): Map<string, Float32Array> {
  const found = new Map<string, Float32Array>();
  for (const { name, down, up, rank, inputs } of pairsOf(gradients, adapters)) {
    const gradient = gradients.get(name)!;
    const [ofDown, ofUp] = [new Float32Array(down.length), new Float32Array(up.length)];
    for (let o = 0; o < up.length / rank; o++)
      for (let k = 0; k < rank; k++) {
        const share = up[o * rank + k]!;
        let sum = 0;
        for (let i = 0; i < inputs; i++) {
          const value = gradient[o * inputs + i]!;
          ofDown[k * inputs + i]! += share * value;
          sum += value * down[k * inputs + i]!;
        }
        ofUp[o * rank + k] = sum;
      }
    found.set(nameOf(name, "A"), ofDown).set(nameOf(name, "B"), ofUp);
  }
  return found;
}

/** Writes a safetensors file with only the adapters. */
export async function writeAdapters(
  path: string,
  adapters: Adapters,
  { base, classes }: { base: { name: string; weights: WeightNumbers }; classes: readonly string[] },
): Promise<void> {
  const tensors = pairsOf(base.weights, adapters).flatMap(({ name, down, up, rank, inputs }) => [
    { name: nameOf(name, "A"), dtype: "F32" as const, shape: [rank, inputs], data: down },
    { name: nameOf(name, "B"), dtype: "F32" as const, shape: [up.length / rank, rank], data: up },
  ]);
  await writeSafetensors(path, tensors, {
    format: ADAPTERS_FORMAT,
    classes: JSON.stringify(classes),
    ...baseMetadata(baseOf(base)),
  });
}

/** The adapters of an open file. */
export async function adaptersIn(file: WeightsFile): Promise<Adapters> {
  const adapters = new Map<string, Float32Array>();
  for (const name of file.entries.keys()) adapters.set(name, await file.readFloat32(name));
  return adapters;
}

/** Pairs each weight with its adapters. Throws WeightsError for adapters of another model. */
function pairsOf(weights: WeightNumbers, adapters: Adapters) {
  const pairs = [...adapters.keys()].flatMap((key) => {
    if (key.endsWith(".lora_B.weight")) return [];
    const name = key.replace(/\.lora_A\.weight$/, ".weight");
    const [weight, down, up] = [weights.get(name), adapters.get(key)!, adapters.get(nameOf(name, "B"))];
    const rank = Math.sqrt((down.length * (up?.length ?? 0)) / (weight?.length ?? 1));
    const [inputs, outputs] = [down.length / rank, (up?.length ?? 0) / rank];
    if (weight && up && [rank, inputs, outputs].every(Number.isInteger)) return [{ name, down, up, rank, inputs }];
    throw new WeightsError(`adapters: ${key} fits no weight of this model; use the model that they were trained for`);
  });
  if (pairs.length === 0) throw new WeightsError("adapters: the file has none");
  return pairs;
}

function nameOf(weight: string, part: "A" | "B"): string {
  return weight.replace(/\.weight$/, `.lora_${part}.weight`);
}
