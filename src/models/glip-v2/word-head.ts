/** BERT's head for words (Devlin et al. 2019), for masked words and for captions; key names as in GLIP's `rpn/vldyhead.py`, MLM head. */

import { layerNormLayer, linear, normal, type Scope, zeros } from "../../nn/index.ts";
import { add, gelu, matmul, swapLast, type Tensor } from "../../tensor/index.ts";

/** Vectors [...,d] to logits over the vocabulary [...,v]. */
export function wordHead(s: Scope, width: number, vocabulary: number) {
  const at = s.at("transform");
  const dense = linear(at.at("dense"), width, width, { weight: normal(0.02), bias: zeros });
  const norm = layerNormLayer(at.at("LayerNorm"), width, 1e-12);
  const decoder = s.parameter("decoder.weight", [vocabulary, width], normal(0.02));
  const bias = s.parameter("bias", [vocabulary], zeros);
  return s.layer((x: Tensor): Tensor => add(matmul(norm(gelu(dense(x))), swapLast(decoder)), bias));
}
