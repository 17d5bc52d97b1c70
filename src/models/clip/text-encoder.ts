/** CLIP's text encoder: one vector per text. Source: OpenAI `clip/model.py`, CLIP.encode_text. */

import { embeddingLayer, layerNormLayer, normal, type Scope } from "../../nn/index.ts";
import { add, constant, gather, matmul, reshape, slice, type Tensor } from "../../tensor/index.ts";
import { type TransformerConfig, transformerBlocks } from "../parts/residual-attention.ts";

/** Sizes of a CLIP's text encoder. */
export interface TextEncoderConfig extends TransformerConfig {
  /** Size of the vocabulary; the last token is the end token. */
  readonly vocabulary: number;
  /** Maximum number of tokens in a text, including start and end. */
  readonly context: number;
}

/**
 * Token ids [n,l] (int64, l at most the context) to vectors [n,outputs]. `ends` [n] (int64) has the index of each text's end token among all
 * n·l tokens, see `endPlaces`. Tokens after the end have no effect, so l can be the length of the longest text.
 */
export function textEncoder(s: Scope, config: TextEncoderConfig, outputs: number) {
  const { vocabulary, context, width, layers } = config;
  const words = embeddingLayer(s.at("token_embedding"), vocabulary, width);
  const position = s.parameter("positional_embedding", [context, width], normal(0.01));
  const attended = width ** -0.5 * (2 * layers) ** -0.5;
  const blocks = transformerBlocks(s.at("transformer"), config, {
    packed: normal(width ** -0.5),
    attended: normal(attended),
    widen: normal((2 * width) ** -0.5),
    narrow: normal(attended),
  });
  const after = layerNormLayer(s.at("ln_final"), width);
  const projection = s.parameter("text_projection", [width, outputs], normal(width ** -0.5));

  return s.layer((ids: Tensor, ends: Tensor): Tensor => {
    const [n, l] = ids.shape as readonly [number, number];
    const mask = causalMask(l);
    let x = s.record("text.embedded", add(words.look(ids), slice(position, { axis: 0, end: l })));
    blocks.forEach((block, i) => {
      x = s.record(`text.resblocks.${i}`, block(x, mask));
    });
    s.record("text.ln_final", after(x));
    const last = gather(reshape(x, [n * l, width]), ends);
    return matmul(after(last), projection);
  });
}

/** The causal mask [l,l]: 0 for a token itself and earlier tokens, minus infinity elsewhere. */
function causalMask(l: number): Tensor {
  return constant(
    Float32Array.from({ length: l * l }, (_, i) => (i % l > Math.floor(i / l) ? -Infinity : 0)),
    [l, l],
  );
}

/** For each row of `length` tokens, the index of its largest id (the first of equals) among all tokens: the end token. */
export function endPlaces(ids: BigInt64Array, length: number): BigInt64Array {
  return BigInt64Array.from({ length: ids.length / length }, (_, row) => {
    let best = row * length;
    for (let i = best + 1; i < (row + 1) * length; i++) if (ids[i]! > ids[best]!) best = i;
    return BigInt(best);
  });
}
