/** BERT's encoder (Devlin et al. 2019), the text side of GLIP; published key names. */

import { embeddingLayer, layerNormLayer, linear, type Scope } from "../../nn/index.ts";
import {
  add,
  concat,
  divide,
  dropout,
  gather,
  gelu,
  matmul,
  multiply,
  reshape,
  slice,
  softmax,
  subtract,
  swapLast,
  type Tensor,
  transpose,
} from "../../tensor/index.ts";

/** Sizes of a BERT. */
export interface BertConfig {
  hiddenSize: number;
  layers: number;
  heads: number;
  intermediateSize: number;
  vocabularySize: number;
  positions: number;
}

const EPSILON = 1e-12;
const DROPOUT = 0.1;

/** Keys and values of tokens [n,heads,l,depth]. */
export interface Remembered {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** One token after others, layer by layer: what a layer makes of it, and what later tokens need of it. */
export interface NextToken {
  /** [n,1,hidden]. */
  readonly vectors: Tensor;
  readonly remembered: readonly Remembered[];
}

/**
 * Token ids [n,l] (int64) and their mask to vectors [n,l,hidden]. A mask [n,l] has 1 for tokens that all may see and 0 for padding; a mask
 * [n,l,l] says for each token which it may see. `step` reads one more token [n,1] at a place [1] (int64) after the remembered ones.
 */
export function bert(s: Scope, config: BertConfig): Bert {
  const { hiddenSize, vocabularySize, positions } = config;
  const words = embeddingLayer(s.at("embeddings.word_embeddings"), vocabularySize, hiddenSize);
  const places = embeddingLayer(s.at("embeddings.position_embeddings"), positions, hiddenSize);
  const types = embeddingLayer(s.at("embeddings.token_type_embeddings"), 2, hiddenSize);
  const norm = layerNormLayer(s.at("embeddings.LayerNorm"), hiddenSize, EPSILON);
  const layers = Array.from({ length: config.layers }, (_, i) => bertLayer(s.at("encoder.layer").at(i), config));
  const embed = (ids: Tensor, place: Tensor) =>
    dropout(norm(add(add(words.look(ids), place), slice(types.table, { axis: 0, end: 1 }))), DROPOUT);

  const whole = s.layer((ids: Tensor, mask: Tensor): Tensor => {
    let x = embed(ids, slice(places.table, { axis: 0, end: ids.shape[1]! }));
    s.record("bert.embeddings", x);
    layers.forEach((layer, i) => {
      x = s.record(`bert.layer.${i}`, layer(x, mask));
    });
    return x;
  });
  const step = s.layer((ids: Tensor, place: Tensor, past: readonly Remembered[], mask: Tensor): NextToken => {
    const next = embed(ids, gather(places.table, place));
    return throughLayers(next, layers, past, mask);
  });
  return Object.assign(whole, { step });
}

/** BERT's encoder as a function; see `bert`. */
export interface Bert {
  (ids: Tensor, mask: Tensor): Tensor;
  /** One more token [n,1] (int64) at a place [1] (int64) after those that each layer remembers. */
  step(ids: Tensor, place: Tensor, past: readonly Remembered[], mask: Tensor): NextToken;
}

/** One token [n,1,hidden] through layers, each of which remembers the tokens before it; `mask` [n,length+1] is 0 where there is none yet. */
export function throughLayers(
  x: Tensor,
  layers: readonly Pick<BertLayer, "step">[],
  past: readonly Remembered[],
  mask: Tensor,
): NextToken {
  let vectors = x;
  const remembered = layers.map((layer, i) => {
    const next = layer.step(vectors, past[i]!, mask);
    vectors = next.vectors;
    return next.remembered;
  });
  return { vectors, remembered };
}

export type BertLayer = ReturnType<typeof bertLayer>;

/** One post-norm layer: attention over the tokens that the mask allows ([n,l], or [n,l,l] for each token its own), then two products. */
export function bertLayer(s: Scope, { hiddenSize, heads, intermediateSize }: Omit<BertConfig, "layers">) {
  const depth = hiddenSize / heads;
  const project = ["query", "key", "value"].map((name) =>
    linear(s.at("attention.self").at(name), hiddenSize, hiddenSize),
  );
  const attended = linear(s.at("attention.output.dense"), hiddenSize, hiddenSize);
  const attendedNorm = layerNormLayer(s.at("attention.output.LayerNorm"), hiddenSize, EPSILON);
  const widen = linear(s.at("intermediate.dense"), hiddenSize, intermediateSize);
  const narrow = linear(s.at("output.dense"), intermediateSize, hiddenSize);
  const norm = layerNormLayer(s.at("output.LayerNorm"), hiddenSize, EPSILON);

  const read = (x: Tensor) =>
    project.map((layer) => transpose(reshape(layer(x), [x.shape[0]!, x.shape[1]!, heads, depth]), [0, 2, 1, 3])) as [
      Tensor,
      Tensor,
      Tensor,
    ];
  const finish = (x: Tensor, query: Tensor, { keys, values }: Remembered, mask: Tensor): Tensor => {
    const n = mask.shape[0]!;
    const hidden = reshape(multiply(subtract(1, mask), -10000), [n, 1, mask.rank === 3 ? mask.shape[1]! : 1, -1]);
    const scores = add(divide(matmul(query, swapLast(keys)), Math.sqrt(depth)), hidden);
    const mixed = matmul(dropout(softmax(scores), DROPOUT), values);
    const joined = reshape(transpose(mixed, [0, 2, 1, 3]), x.shape);
    const y = attendedNorm(add(dropout(attended(joined), DROPOUT), x));
    return norm(add(dropout(narrow(gelu(widen(y))), DROPOUT), y));
  };

  const whole = s.layer((x: Tensor, mask: Tensor): Tensor => {
    const [query, keys, values] = read(x);
    return finish(x, query, { keys, values }, mask);
  });
  const step = s.layer((x: Tensor, past: Remembered, mask: Tensor) => {
    const [query, keys, values] = read(x);
    const all = { keys: concat([past.keys, keys], 2), values: concat([past.values, values], 2) };
    return { vectors: finish(x, query, all, mask), remembered: { keys, values } };
  });
  return Object.assign(whole, { step });
}
