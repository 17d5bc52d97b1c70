/** Infers the configuration of a published GLIP checkpoint from the names and shapes of its tensors. */

import { WeightsError } from "../../errors.ts";
import type { NamedShapes } from "../parts/family.ts";
import type { GlipConfig } from "./glip.ts";

/** BERT's heads are 64 wide in every published model. */
const HEAD_WIDTH = 64;
/** Not visible in any shape. */
const FUSION_HEADS = 8;
const GROUPS = 16;
const MAX_TOKENS = 256;

/** Whether these are tensors of a GLIP, complete or not. */
export function isGlip(entries: NamedShapes): boolean {
  return entries.has("rpn.head.dot_product_projection_text.weight");
}

/** Throws `WeightsError` if the tensors are not a GLIP's. */
export function inferConfig(entries: NamedShapes, source: string): GlipConfig {
  const shape = (name: string): readonly number[] => {
    const entry = entries.get(name);
    if (!entry)
      throw new WeightsError(
        `${source}: not a GLIP checkpoint: there is no ${name}; a folder with a config.json can say what it is`,
      );
    return entry.shape;
  };
  const count = (name: (i: number) => string): number => {
    let i = 0;
    while (entries.has(name(i))) i++;
    return i;
  };
  const body = "backbone.body";
  const table = (stage: number) => shape(`${body}.layers.${stage}.blocks.0.attn.relative_position_bias_table`);
  const stages = [0, 1, 2, 3];
  const text = "language_backbone.body.model";
  const [vocabularySize, hiddenSize] = shape(`${text}.embeddings.word_embeddings.weight`) as [number, number];
  const tower = "rpn.head.dyhead_tower";
  const fused = entries.has(`${tower}.0.b_attn.gamma_v`);
  const large = shape(`${body}.patch_embed.proj.weight`)[0] === 192;
  return {
    backbone: {
      embedDim: shape(`${body}.patch_embed.proj.weight`)[0]!,
      depths: stages.map((i) => count((j) => `${body}.layers.${i}.blocks.${j}.norm1.weight`)),
      heads: stages.map((i) => table(i)[1]!),
      window: (Math.sqrt(table(0)[0]!) + 1) / 2,
      dropPathRate: large ? 0.4 : 0.2,
    },
    bert: {
      hiddenSize,
      layers: count((i) => `${text}.encoder.layer.${i}.output.dense.weight`),
      heads: Math.max(1, hiddenSize / HEAD_WIDTH),
      intermediateSize: shape(`${text}.encoder.layer.0.intermediate.dense.weight`)[0]!,
      vocabularySize,
      positions: shape(`${text}.embeddings.position_embeddings.weight`)[0]!,
    },
    channels: shape("backbone.fpn.fpn_inner2.weight")[0]!,
    groups: GROUPS,
    maxTokens: MAX_TOKENS,
    steps: count((i) => `${tower}.${fused ? 3 * i + 2 : i}.offset.weight`),
    ...(fused ? { fusion: { width: shape(`${tower}.0.b_attn.attn.v_proj.weight`)[0]!, heads: FUSION_HEADS } } : {}),
  };
}
