/** BERT's encoder (Devlin et al. 2019), the text side of GLIP; published key names. */

import { embeddingLayer, layerNormLayer, linear, type Scope } from "../../nn/index.ts";
import {
  add,
  divide,
  dropout,
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

/** Token ids [n,l] (int64) and their mask [n,l] (1 for tokens, 0 for padding) to vectors [n,l,hidden]. */
export function bert(s: Scope, config: BertConfig) {
  const { hiddenSize, vocabularySize, positions } = config;
  const words = embeddingLayer(s.at("embeddings.word_embeddings"), vocabularySize, hiddenSize);
  const places = embeddingLayer(s.at("embeddings.position_embeddings"), positions, hiddenSize);
  const types = embeddingLayer(s.at("embeddings.token_type_embeddings"), 2, hiddenSize);
  const norm = layerNormLayer(s.at("embeddings.LayerNorm"), hiddenSize, EPSILON);
  const layers = Array.from({ length: config.layers }, (_, i) => bertLayer(s.at("encoder.layer").at(i), config));

  return s.layer((ids: Tensor, mask: Tensor): Tensor => {
    const place = slice(places.table, { axis: 0, end: ids.shape[1]! });
    const type = slice(types.table, { axis: 0, end: 1 });
    let x = dropout(norm(add(add(words.look(ids), place), type)), DROPOUT);
    s.record("bert.embeddings", x);
    layers.forEach((layer, i) => {
      x = s.record(`bert.layer.${i}`, layer(x, mask));
    });
    return x;
  });
}

/** One post-norm layer: attention over the tokens that the mask allows, then two products. */
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

  return s.layer((x: Tensor, mask: Tensor): Tensor => {
    const [n, l] = x.shape as readonly [number, number, number];
    const [query, key, value] = project.map((layer) =>
      transpose(reshape(layer(x), [n, l, heads, depth]), [0, 2, 1, 3]),
    ) as [Tensor, Tensor, Tensor];
    const hidden = reshape(multiply(subtract(1, mask), -10000), [n, 1, 1, l]);
    const scores = add(divide(matmul(query, swapLast(key)), Math.sqrt(depth)), hidden);
    const mixed = matmul(dropout(softmax(scores), DROPOUT), value);
    const joined = reshape(transpose(mixed, [0, 2, 1, 3]), x.shape);
    const y = attendedNorm(add(dropout(attended(joined), DROPOUT), x));
    return norm(add(dropout(narrow(gelu(widen(y))), DROPOUT), y));
  });
}
