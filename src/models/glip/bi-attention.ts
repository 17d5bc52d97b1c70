/** Deep fusion: attention from picture to words and from words to picture with shared scores. */
// GLIP `utils/fuse_helper.py`, BiAttentionBlockForCheckpoint, without its limits of ±50000, which have no effect.

import { filled, layerNormLayer, linearParameters, type Scope, xavierUniform } from "../../nn/index.ts";
import {
  add,
  concat,
  dropout,
  matmul,
  multiply,
  reshape,
  softmax,
  split,
  subtract,
  swapLast,
  type Tensor,
  transpose,
} from "../../tensor/index.ts";

export interface FusionConfig {
  /** Channels of the maps. */
  channels: number;
  /** Width of the text features. */
  textWidth: number;
  /** Width of queries, keys and values over all heads. */
  width: number;
  heads: number;
  /** Fused layers in the head; each starts with a weight of 1/steps. */
  steps: number;
}

const DROPOUT = 0.1;

/** Fuses maps [n,c,h,w] with text features [n,l,d] and their mask [n,l]; returns both. */
export function biAttention(s: Scope, config: FusionConfig) {
  const { channels, textWidth, width, heads, steps } = config;
  const depth = width / heads;
  const imageNorm = layerNormLayer(s.at("layer_norm_v"), channels);
  const textNorm = layerNormLayer(s.at("layer_norm_l"), textWidth);
  const at = s.at("attn");
  const from = (name: string, inputs: number) => linearParameters(at.at(name), inputs, width, xavierUniform);
  const to = (name: string, outputs: number) => linearParameters(at.at(name), width, outputs, xavierUniform);
  const query = from("v_proj", channels);
  const key = from("l_proj", textWidth);
  const imageValue = from("values_v_proj", channels);
  const textValue = from("values_l_proj", textWidth);
  const imageOut = to("out_v_proj", channels);
  const textOut = to("out_l_proj", textWidth);
  const imageWeight = s.parameter("gamma_v", [channels], filled(1 / steps));
  const textWeight = s.parameter("gamma_l", [textWidth], filled(1 / steps));
  type Projection = typeof query;

  const project = (x: Tensor, { weight, bias }: Projection) => add(matmul(x, swapLast(weight)), bias);
  /** [n, length, heads·depth] to [n, heads, length, depth]. */
  const apart = (x: Tensor) => transpose(reshape(x, [x.shape[0]!, x.shape[1]!, heads, depth]), [0, 2, 1, 3]);
  const together = (x: Tensor) => reshape(transpose(x, [0, 2, 1, 3]), [x.shape[0]!, x.shape[2]!, width]);
  /** A projection's weight head by head [1, heads, depth, inputs], or [1, heads, outputs, depth] for the way out. */
  const perHead = ({ weight }: Projection) => reshape(weight, [1, heads, depth, weight.shape[1]!]);
  const perHeadOut = ({ weight }: Projection) =>
    transpose(reshape(weight, [weight.shape[0]!, heads, depth]), [1, 2, 0]);

  /** The formula of the reference: every position is projected to all heads. */
  const wide = (v: Tensor, l: Tensor, mask: Tensor) => {
    const scores = matmul(multiply(apart(project(v, query)), depth ** -0.5), swapLast(apart(project(l, key))));
    const toImage = dropout(softmax(add(scores, mask)), DROPOUT);
    const toText = dropout(softmax(swapLast(scores)), DROPOUT);
    return {
      image: project(together(matmul(toImage, apart(project(l, textValue)))), imageOut),
      text: project(together(matmul(toText, apart(project(v, imageValue)))), textOut),
    };
  };

  /**
   * The same result in another order: the text features are first multiplied with the weights, so positions are not projected. In training,
   * dropout on the words' attention does not affect the bias of the values, which is added afterwards here.
   */
  const narrow = (v: Tensor, l: Tensor, mask: Tensor) => {
    const [n, positions, c] = v.shape as readonly [number, number, number];
    const words = l.shape[1]!;
    const keys = multiply(apart(project(l, key)), depth ** -0.5); // [n,heads,l,depth]
    const scoring = reshape(matmul(keys, perHead(query)), [n, heads * words, c]);
    const flat = reshape(matmul(scoring, swapLast(v)), [n, heads, words, positions]);
    // To a position a word's share of the queries' bias is one more summand; among positions it is the same for all, so a softmax does not see it.
    const offset = swapLast(matmul(keys, reshape(query.bias, [1, heads, depth, 1]))); // [n,heads,1,l]
    const summand = add(transpose(offset, [0, 2, 1, 3]), reshape(mask, [n, 1, 1, words]));
    const toImage = dropout(softmax(add(transpose(flat, [0, 3, 1, 2]), summand)), DROPOUT); // [n,positions,heads,l]
    const answers = matmul(apart(project(l, textValue)), perHeadOut(imageOut)); // [n,heads,l,c]
    const image = add(
      matmul(reshape(toImage, [n, positions, heads * words]), reshape(answers, [n, heads * words, c])),
      imageOut.bias,
    );
    const toText = dropout(softmax(flat), DROPOUT);
    const seen = reshape(matmul(reshape(toText, [n, heads * words, positions]), v), [n, heads, words, c]);
    const values = add(matmul(seen, swapLast(perHead(imageValue))), reshape(imageValue.bias, [1, heads, 1, depth]));
    return { image, text: project(together(values), textOut) };
  };

  return s.layer((maps: readonly Tensor[], words: Tensor, mask: Tensor): { maps: Tensor[]; words: Tensor } => {
    const n = words.shape[0]!;
    const l = textNorm(words);
    const joined = concat(
      maps.map((map) => reshape(map, [n, channels, -1])),
      2,
    );
    const v = imageNorm(swapLast(joined));
    // The reference adds +1 for real words and -9e15 for padding; a softmax does not see the +1.
    const additive = reshape(multiply(subtract(1, mask), -9e15), [n, 1, 1, mask.shape[1]!]);
    const sums = channels * words.shape[1]! < depth * (channels + words.shape[1]!) ? narrow : wide;
    const found = sums(v, l, additive);
    // The residuals start from the normalised tensors.
    const image = swapLast(add(v, multiply(found.image, imageWeight)));
    const parts = split(
      image,
      maps.map((map) => map.shape[2]! * map.shape[3]!),
      2,
    );
    return {
      maps: maps.map((map, i) => reshape(parts[i]!, map.shape)),
      words: add(l, multiply(found.text, textWeight)),
    };
  });
}
