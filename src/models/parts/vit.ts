/** CLIP's vision transformer (Dosovitskiy et al. 2021): one vector for a picture. Source: OpenAI `clip/model.py`, VisionTransformer. */

import { fanInUniform, layerNormLayer, normal, type Scope, xavierUniform } from "../../nn/index.ts";
import { add, concat, convolution, expand, matmul, reshape, slice, swapLast, type Tensor } from "../../tensor/index.ts";
import { type TransformerConfig, transformerBlocks } from "./residual-attention.ts";

export interface VitConfig extends TransformerConfig {
  /** Side of a patch, in pixels. */
  readonly patch: number;
  /** Side of the pictures, in pixels; positions are not interpolated. */
  readonly resolution: number;
  readonly outputs: number;
}

/** Pictures [n,3,resolution,resolution] to vectors [n,outputs]. */
export function vit(s: Scope, config: VitConfig) {
  const { width, patch, resolution, outputs } = config;
  const side = Math.floor(resolution / patch);
  const places = side * side + 1;
  const first = normal(width ** -0.5);
  const patches = s.parameter("conv1.weight", [width, 3, patch, patch], fanInUniform);
  const start = s.parameter("class_embedding", [width], first);
  const position = s.parameter("positional_embedding", [places, width], first);
  const before = layerNormLayer(s.at("ln_pre"), width);
  const blocks = transformerBlocks(s.at("transformer"), config, { packed: xavierUniform });
  const after = layerNormLayer(s.at("ln_post"), width);
  const projection = s.parameter("proj", [width, outputs], first);
  const record = (name: string, x: Tensor) => s.record(s.at(name).path, x);

  return s.layer((pictures: Tensor): Tensor => {
    const n = pictures.shape[0]!;
    const seen = record("conv1", convolution(pictures, patches, { stride: patch }));
    const flat = swapLast(reshape(seen, [n, width, places - 1]));
    const tokens = concat([expand(reshape(start, [1, 1, width]), [n, 1, width]), flat], 1);
    let x = record("ln_pre", before(add(tokens, position)));
    blocks.forEach((block, i) => {
      x = record(`resblocks.${i}`, block(x));
    });
    const whole = reshape(slice(x, { axis: 1, end: 1 }), [n, width]);
    return matmul(record("ln_post", after(whole)), projection);
  });
}
