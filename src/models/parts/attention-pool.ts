/** CLIP's attention pool: one vector per map; the query is the map's mean. Source: OpenAI `clip/model.py`, AttentionPool2d. */

import { linear, linearParameters, normal, type Scope } from "../../nn/index.ts";
import {
  add,
  concat,
  matmul,
  mean,
  multiply,
  reshape,
  slice,
  softmax,
  swapLast,
  type Tensor,
  transpose,
} from "../../tensor/index.ts";

export interface AttentionPoolConfig {
  /** Rows and columns of the map; positions are not interpolated. */
  readonly side: number;
  readonly channels: number;
  readonly heads: number;
  readonly outputs: number;
}

/**
 * Maps [n,channels,side,side] to vectors [n,outputs]. The reference computes a query at every position and keeps the first output. With only
 * one query, the weights of keys and values are applied to it and to the weighted sum. The keys' bias shifts all scores equally and has no effect.
 */
export function attentionPool(s: Scope, { side, channels, heads, outputs }: AttentionPoolConfig) {
  const places = side * side + 1;
  const depth = channels / heads;
  const first = normal(channels ** -0.5);
  const position = s.parameter("positional_embedding", [places, channels], first);
  const query = linear(s.at("q_proj"), channels, channels, { weight: first });
  const key = linearParameters(s.at("k_proj"), channels, channels, first);
  const value = linearParameters(s.at("v_proj"), channels, channels, first);
  const answer = linear(s.at("c_proj"), channels, outputs, { weight: first });

  return s.layer((map: Tensor): Tensor => {
    const n = map.shape[0]!;
    const flat = swapLast(reshape(map, [n, channels, places - 1]));
    const tokens = add(concat([mean(flat, [1]), flat], 1), position); // [n,places,c]
    const asked = query(slice(tokens, { axis: 1, end: 1 })); // [n,1,c]
    const perHead = transpose(reshape(asked, [n, heads, depth]), [1, 0, 2]);
    const questions = matmul(perHead, reshape(key.weight, [heads, depth, channels])); // [heads,n,c]
    const scores = matmul(transpose(questions, [1, 0, 2]), swapLast(tokens)); // [n,heads,places]
    const mixed = matmul(softmax(multiply(scores, depth ** -0.5)), tokens); // [n,heads,c]
    const values = matmul(reshape(value.weight, [heads, depth, channels]), transpose(mixed, [1, 2, 0])); // [heads,depth,n]
    const joined = reshape(transpose(values, [2, 0, 1]), [n, channels]);
    return answer(add(joined, value.bias));
  });
}
