/** CLIP's vision transformer (Dosovitskiy et al. 2021): one vector per picture. Source: OpenAI `clip/model.py`, VisionTransformer. */

import { fanInUniform, layerNormLayer, normal, type Scope, xavierUniform } from "../../nn/index.ts";
import { add, convolution, matmul, pad, reshape, slice, swapLast, type Tensor } from "../../tensor/index.ts";
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
  const deviation = normal(width ** -0.5);
  const patches = s.parameter("conv1.weight", [width, 3, patch, patch], fanInUniform);
  const start = s.parameter("class_embedding", [width], deviation);
  const position = s.parameter("positional_embedding", [places, width], deviation);
  const before = layerNormLayer(s.at("ln_pre"), width);
  const blocks = transformerBlocks(s.at("transformer"), config, { packed: xavierUniform });
  const after = layerNormLayer(s.at("ln_post"), width);
  const projection = s.parameter("proj", [width, outputs], deviation);
  const record = (name: string, x: Tensor) => s.record(s.at(name).path, x);

  return s.layer((pictures: Tensor): Tensor => {
    const n = pictures.shape[0]!;
    const seen = record("conv1", convolution(pictures, patches, { stride: patch }));
    const flat = swapLast(reshape(seen, [n, width, places - 1]));
    // The first token has only its position, so that batches of all sizes have the same structure and one session.
    const first = pad(reshape(start, [1, width]), [0, 0], [places - 1, 0]);
    let x = record("ln_pre", before(add(pad(flat, [0, 1, 0], [0, 0, 0]), add(position, first))));
    blocks.forEach((block, i) => {
      x = record(`resblocks.${i}`, block(x));
    });
    const whole = reshape(slice(x, { axis: 1, end: 1 }), [n, width]);
    return matmul(record("ln_post", after(whole)), projection);
  });
}
