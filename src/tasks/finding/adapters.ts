/** Low-rank adapters (Hu et al. 2021, section 4.1): to a weight W [o,i] a product B·A of two thin ones [o,r] [r,i] is added, and only these learn. */

import type { Random } from "../../data/random.ts";
import { WeightsError } from "../../errors.ts";
import type { Detector } from "../../models/parts/detector.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { baseMetadata, baseOf } from "./base-mark.ts";

/** A and B by names as of `peft`: of the weight `X.weight` they are `X.lora_A.weight` and `X.lora_B.weight`. */
export type Adapters = ReadonlyMap<string, Float32Array>;
type WeightNumbers = ReadonlyMap<string, Float32Array>;

export const ADAPTERS_FORMAT = "groundling-adapters";
/** Linear layers of attention in Swin, BERT and deep fusion, 1×1 convolutions of MobileNetV2 and the pyramid, and what leads from words to scores. */
export const adaptedLayers =
  "(.*\\.attn\\.qkv|.*\\.(query|key|value)|.*\\.attn\\.(\\w+_)?proj|.*\\.(expand|project|fpn_inner\\d)|.*dot_product_projection_text)\\.weight$";
const RANK = 4;

/** First adapters of weights: A drawn, B zero, so that nothing is added yet. */
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

/** Weights with what the adapters add; those without adapters are the same arrays. */
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

/** Gradients of A and B from those of the weights: Bᵀ·G and G·Aᵀ. */
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

/** Writes a safetensors file of the adapters alone. */
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

/** Weights and adapters that belong together. Throws WeightsError for adapters of another model. */
function pairsOf(weights: WeightNumbers, adapters: Adapters) {
  const pairs = [...adapters.keys()].flatMap((key) => {
    if (key.endsWith(".lora_B.weight")) return [];
    const name = key.replace(/\.lora_A\.weight$/, ".weight");
    const [weight, down, up] = [weights.get(name), adapters.get(key)!, adapters.get(nameOf(name, "B"))];
    const rank = Math.sqrt((down.length * (up?.length ?? 0)) / (weight?.length ?? 1));
    const [inputs, outputs] = [down.length / rank, (up?.length ?? 0) / rank];
    if (weight && up && [rank, inputs, outputs].every(Number.isInteger)) return [{ name, down, up, rank, inputs }];
    throw new WeightsError(`adapters: ${key} fits no weight of this model; take the model that they were made for`);
  });
  if (pairs.length === 0) throw new WeightsError("adapters: there are none in the file");
  return pairs;
}

function nameOf(weight: string, part: "A" | "B"): string {
  return weight.replace(/\.weight$/, `.lora_${part}.weight`);
}
