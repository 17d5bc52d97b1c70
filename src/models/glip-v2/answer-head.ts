/** Answers to questions from the fused vector of the question's first token (GLIPv2). */

import { layerNormLayer, linear, normal, type Scope, zeros } from "../../nn/index.ts";
import { gelu, reshape, slice, type Tensor } from "../../tensor/index.ts";

/** Fused words [n,l,d] to the logits of known answers [n,answers]. */
export function answerHead(s: Scope, width: number, answers: number) {
  const first = { weight: normal(0.02), bias: zeros };
  const widen = linear(s.at("fc1"), width, 2 * width, first);
  const norm = layerNormLayer(s.at("norm"), 2 * width, 1e-12);
  const tell = linear(s.at("fc2"), 2 * width, answers, first);
  return s.layer((words: Tensor): Tensor => {
    const start = s.record("start", reshape(slice(words, { axis: 1, end: 1 }), [words.shape[0]!, width]));
    return tell(norm(gelu(widen(start))));
  });
}
