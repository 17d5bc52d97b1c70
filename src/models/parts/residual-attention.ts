/** CLIP's transformer: pre-norm blocks with packed attention. Source: OpenAI `clip/model.py`, ResidualAttentionBlock. */

import { type Initialiser, type Layer, layerNormLayer, linear, type Scope, zeros } from "../../nn/index.ts";
import {
  add,
  gelu,
  matmul,
  multiply,
  quickGelu,
  reshape,
  softmax,
  split,
  swapLast,
  type Tensor,
  transpose,
} from "../../tensor/index.ts";

export interface TransformerConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Hidden width of a block's MLP. */
  readonly hidden: number;
  readonly activation: keyof typeof activations;
}

/** Initial values of a block's weights; default: PyTorch's. */
export interface BlockInitialisers {
  readonly packed: Initialiser;
  readonly attended?: Initialiser;
  readonly widen?: Initialiser;
  readonly narrow?: Initialiser;
}

/** x·sigmoid(1.702·x) in OpenAI's models; exact in some that others trained. */
const activations = { quickGelu, gelu };

/** Blocks over tokens [n,l,width], by number; a mask [l,l] is added to the scores. */
export function transformerBlocks(s: Scope, config: TransformerConfig, first: BlockInitialisers) {
  return Array.from({ length: config.layers }, (_, i) => residualAttention(s.at("resblocks").at(i), config, first));
}

function residualAttention(s: Scope, config: TransformerConfig, first: BlockInitialisers) {
  const { width, hidden, activation } = config;
  const attend = packedAttention(s.at("attn"), config, first);
  const before = layerNormLayer(s.at("ln_1"), width);
  const widen = linear(s.at("mlp.c_fc"), width, hidden, weightOf(first.widen));
  const narrow = linear(s.at("mlp.c_proj"), hidden, width, weightOf(first.narrow));
  const between = layerNormLayer(s.at("ln_2"), width);
  return s.layer((x: Tensor, mask?: Tensor): Tensor => {
    const y = add(x, attend(before(x), mask));
    return add(y, narrow(activations[activation](widen(between(y)))));
  });
}

/** Attention of PyTorch's `MultiheadAttention`, whose queries, keys and values share one weight. */
function packedAttention(s: Scope, { width, heads }: TransformerConfig, first: BlockInitialisers) {
  const weight = s.parameter("in_proj_weight", [3 * width, width], first.packed);
  const bias = s.parameter("in_proj_bias", [3 * width], zeros);
  const join: Layer = linear(s.at("out_proj"), width, width, { ...weightOf(first.attended), bias: zeros });
  const depth = width / heads;
  return s.layer((x: Tensor, mask?: Tensor): Tensor => {
    const [n, l] = x.shape as readonly [number, number, number];
    const packed = add(matmul(x, swapLast(weight)), bias);
    const [query, key, value] = split(packed, [width, width, width], -1).map((part) =>
      transpose(reshape(part, [n, l, heads, depth]), [0, 2, 1, 3]),
    ) as [Tensor, Tensor, Tensor];
    const scores = matmul(multiply(query, depth ** -0.5), swapLast(key));
    const mixed = matmul(softmax(mask ? add(scores, mask) : scores), value);
    return join(reshape(transpose(mixed, [0, 2, 1, 3]), x.shape));
  });
}

function weightOf(weight: Initialiser | undefined): { weight?: Initialiser } {
  return weight ? { weight } : {};
}
