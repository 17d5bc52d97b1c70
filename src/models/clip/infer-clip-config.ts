/** Infers the configuration of a CLIP checkpoint from the names and shapes of its tensors. */

import { WeightsError } from "../../errors.ts";
import type { ClipConfig, ResNetImageConfig } from "./clip.ts";
import { MOBILE_NET_SIDE } from "./mobile-net-encoder.ts";

type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** Width of attention heads in every model of OpenAI. */
const HEAD_WIDTH = 64;

/** Whether tensors of these names are a CLIP's. */
export function isClip(entries: Shapes): boolean {
  const sees = entries.has("visual.conv1.weight") || isMobileNet(entries);
  return entries.has("text_projection") && sees && entries.has("token_embedding.weight");
}

/** Throws `WeightsError` when the tensors are not those of a CLIP under OpenAI's names. */
export function inferClipConfig(entries: Shapes, source: string): ClipConfig {
  const { shape, count } = readerOf(entries, source);
  const imageConfig = () => {
    if (isMobileNet(entries)) return mobileNetConfig(shape);
    if (!entries.has("visual.proj")) return resnetConfig(shape, count);
    return vitConfig(shape, blocksOf(entries, source, "visual.transformer."));
  };
  return { ...inferTextConfig(entries, source), image: imageConfig() };
}

/** The same for the text encoder alone. */
export function inferTextConfig(entries: Shapes, source: string): Pick<ClipConfig, "text" | "embedding"> {
  const { shape } = readerOf(entries, source);
  const [vocabulary] = shape("token_embedding.weight") as [number, number];
  const [context] = shape("positional_embedding") as [number, number];
  return {
    embedding: shape("text_projection")[1]!,
    text: { ...blocksOf(entries, source, "transformer."), vocabulary, context },
  };
}

function readerOf(entries: Shapes, source: string) {
  const shape = (name: string): readonly number[] => {
    const entry = entries.get(name);
    if (!entry) throw new WeightsError(`${source}: not a CLIP checkpoint: there is no ${name}`);
    return entry.shape;
  };
  const count = (name: (i: number) => string): number => {
    let i = 0;
    while (entries.has(name(i))) i++;
    return i;
  };
  return { shape, count };
}

function blocksOf(entries: Shapes, source: string, prefix: string) {
  const { shape, count } = readerOf(entries, source);
  const width = shape(`${prefix}resblocks.0.ln_1.weight`)[0]!;
  return {
    width,
    layers: count((i) => `${prefix}resblocks.${i}.ln_1.weight`),
    heads: Math.max(1, width / HEAD_WIDTH),
    hidden: shape(`${prefix}resblocks.0.mlp.c_fc.weight`)[0]!,
    activation: "quickGelu",
  } as const;
}

type ShapeOf = (name: string) => readonly number[];

function isMobileNet(entries: Shapes): boolean {
  return entries.has("visual.body.first.weight");
}

function mobileNetConfig(shape: ShapeOf) {
  return { kind: "mobilenet", hidden: shape("visual.hidden.weight")[0]!, resolution: MOBILE_NET_SIDE } as const;
}

function vitConfig<Blocks>(shape: ShapeOf, blocks: Blocks) {
  const patch = shape("visual.conv1.weight")[3]!;
  const side = Math.round(Math.sqrt(shape("visual.positional_embedding")[0]! - 1));
  return { kind: "vit", ...blocks, patch, resolution: patch * side } as const;
}

function resnetConfig(shape: ShapeOf, count: (name: (i: number) => string) => number): ResNetImageConfig {
  const side = Math.round(Math.sqrt(shape("visual.attnpool.positional_embedding")[0]! - 1));
  const [first, second, third, fourth] = [1, 2, 3, 4].map((stage) =>
    count((i) => `visual.layer${stage}.${i}.conv1.weight`),
  ) as [number, number, number, number];
  return {
    kind: "resnet",
    blocks: [first, second, third, fourth],
    width: shape("visual.layer1.0.conv1.weight")[0]!,
    resolution: 32 * side,
  };
}

/** Tensors of checkpoints that are not parameters: counters of batch norms, and the sizes in OpenAI's archives. */
export const clipExtras = /num_batches_tracked$|^(input_resolution|context_length|vocab_size)$/;
