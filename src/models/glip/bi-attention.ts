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

  /** Scores of words with positions before any bias [n,heads,l,positions], and the words' keys. */
  const narrowScores = (v: Tensor, l: Tensor) => {
    const n = l.shape[0]!;
    const words = l.shape[1]!;
    const keys = multiply(apart(project(l, key)), depth ** -0.5); // [n,heads,l,depth]
    const scoring = reshape(matmul(keys, perHead(query)), [n, heads * words, channels]);
    return { keys, flat: reshape(matmul(scoring, swapLast(v)), [n, heads, words, v.shape[1]!]) };
  };

  /** What the words take from the positions, which are not projected. */
  const narrowText = (v: Tensor, flat: Tensor): Tensor => {
    const [n, , words, positions] = flat.shape as readonly [number, number, number, number];
    const toText = dropout(softmax(flat), DROPOUT);
    const seen = reshape(matmul(reshape(toText, [n, heads * words, positions]), v), [n, heads, words, channels]);
    const values = add(matmul(seen, swapLast(perHead(imageValue))), reshape(imageValue.bias, [1, heads, 1, depth]));
    return project(together(values), textOut);
  };

  /**
   * The same result in another order: the text features are first multiplied with the weights, so positions are not projected. In training,
   * dropout on the words' attention does not affect the bias of the values, which is added afterwards here.
   */
  const narrow = (v: Tensor, l: Tensor, mask: Tensor) => {
    const [n, positions, c] = v.shape as readonly [number, number, number];
    const words = l.shape[1]!;
    const { keys, flat } = narrowScores(v, l);
    // To a position a word's share of the queries' bias is one more summand; among positions it is the same for all, so a softmax does not see it.
    const offset = swapLast(matmul(keys, reshape(query.bias, [1, heads, depth, 1]))); // [n,heads,1,l]
    const summand = add(transpose(offset, [0, 2, 1, 3]), reshape(mask, [n, 1, 1, words]));
    const toImage = dropout(softmax(add(transpose(flat, [0, 3, 1, 2]), summand)), DROPOUT); // [n,positions,heads,l]
    const answers = matmul(apart(project(l, textValue)), perHeadOut(imageOut)); // [n,heads,l,c]
    const image = add(
      matmul(reshape(toImage, [n, positions, heads * words]), reshape(answers, [n, heads * words, c])),
      imageOut.bias,
    );
    return { image, text: narrowText(v, flat) };
  };

  /** All positions as normalised vectors [n,positions,c], and such vectors as maps again. */
  const flatten = (maps: readonly Tensor[]): Tensor => {
    const flat = maps.map((map) => reshape(map, [map.shape[0]!, channels, -1]));
    return imageNorm(swapLast(concat(flat, 2)));
  };
  const asMaps = (image: Tensor, maps: readonly Tensor[]): Tensor[] => {
    const sizes = maps.map((map) => map.shape[2]! * map.shape[3]!);
    return split(swapLast(image), sizes, 2).map((part, i) => reshape(part, maps[i]!.shape));
  };

  const both = s.layer((maps: readonly Tensor[], words: Tensor, mask: Tensor): { maps: Tensor[]; words: Tensor } => {
    const n = words.shape[0]!;
    const l = textNorm(words);
    const v = flatten(maps);
    // The reference adds +1 for real words and -9e15 for padding; a softmax does not see the +1.
    const additive = reshape(multiply(subtract(1, mask), -9e15), [n, 1, 1, mask.shape[1]!]);
    const sums = channels * words.shape[1]! < depth * (channels + words.shape[1]!) ? narrow : wide;
    const found = sums(v, l, additive);
    // The residuals start from the normalised tensors.
    return {
      maps: asMaps(add(v, multiply(found.image, imageWeight)), maps),
      words: add(l, multiply(found.text, textWeight)),
    };
  });
  return Object.assign(both, {
    /** Captions: the picture is not changed by words, so its side needs none. Its normalised positions are what words read. */
    see: s.layer((maps: readonly Tensor[]): { maps: Tensor[]; places: Tensor } => {
      const places = flatten(maps);
      return { maps: asMaps(places, maps), places };
    }),
    /** The words' side alone: words [n,l,d] read positions [n,positions,c], or those of one picture [1,positions,c]. */
    read: s.layer((words: Tensor, places: Tensor): Tensor => {
      const l = textNorm(words);
      return add(l, multiply(narrowText(places, narrowScores(places, l).flat), textWeight));
    }),
  });
}
