/** CLIP's text encoder: one vector for a row of tokens. Source: OpenAI `clip/model.py`, CLIP.encode_text. */

import { embeddingLayer, layerNormLayer, normal, type Scope } from "../../nn/index.ts";
import { add, constant, gather, matmul, reshape, slice, type Tensor } from "../../tensor/index.ts";
import { type TransformerConfig, transformerBlocks } from "../parts/residual-attention.ts";

export interface TextEncoderConfig extends TransformerConfig {
  /** Tokens of the vocabulary; the last is the end of a text. */
  readonly vocabulary: number;
  /** Most tokens of a text, start and end included. */
  readonly context: number;
}

/**
 * Ids [n,l] (int64, l at most the context) to vectors [n,outputs]; `ends` [n] (int64) names for each text its end's place in all n·l tokens, as
 * `endPlaces` tells it. Tokens behind the end have no say, so that l may be the longest text's.
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

/** [l,l]: nothing where a token may look (itself and those before), minus infinity elsewhere. */
function causalMask(l: number): Tensor {
  return constant(
    Float32Array.from({ length: l * l }, (_, i) => (i % l > Math.floor(i / l) ? -Infinity : 0)),
    [l, l],
  );
}

/** Place of the largest id of each row of `length` tokens among all, the first of equals: the end of a text that was not cut. */
export function endPlaces(ids: BigInt64Array, length: number): BigInt64Array {
  return BigInt64Array.from({ length: ids.length / length }, (_, row) => {
    let best = row * length;
    for (let i = best + 1; i < (row + 1) * length; i++) if (ids[i]! > ids[best]!) best = i;
    return BigInt(best);
  });
}
