/** GLIP (Li et al. 2022): a detector whose classes are words. Key names are those of the published checkpoints. */

import { fanInUniform, linear, Scope, zeros } from "../../nn/index.ts";
import {
  add,
  divide,
  exp,
  matmul,
  multiply,
  normalizeLength,
  reshape,
  sum,
  swapLast,
  type Tensor,
} from "../../tensor/index.ts";
import { type Bert, type BertConfig, bert } from "../parts/bert.ts";
import {
  boxHead,
  type Detector,
  type DetectorConfig,
  type HeadLevel,
  logitBias,
  pictureParts,
} from "../parts/detector.ts";
import { type Fused, fusedTower, type Tower } from "./tower.ts";

/** Sizes of a GLIP: picture encoder, language model, fusion and head. */
export interface GlipConfig extends DetectorConfig {
  bert: BertConfig;
  /** Deep fusion; absent in GLIP-T (A). */
  fusion?: { width: number; heads: number };
  /** Maximum number of tokens in a prompt, including the two special tokens. */
  maxTokens: number;
}

/** A GLIP as layers without numbers, with its configuration; its parts apart, for further heads. */
export interface Glip extends Detector {
  readonly config: GlipConfig;
  /** The backbone: pictures [n,3,h,w] to maps at strides 8, 16 and 32. */
  body(pictures: Tensor): Tensor[];
  /** The feature pyramid: the backbone's maps to maps at the five strides. */
  pyramid(maps: readonly Tensor[]): Tensor[];
  /** The language model before fusion. */
  readonly language: Bert;
  /** Fusion of maps and words. */
  readonly tower: Tower;
  /** Fused maps and words to outputs, level by level. */
  align(fused: Fused): HeadLevel[];
}

/** The parts of a GLIP: picture features, text features, and outputs from both. `s` is where its parameters are declared. */
export function glip(config: GlipConfig, s = new Scope()): Glip {
  const { channels, fusion } = config;
  const textWidth = config.bert.hiddenSize;
  const { body, pyramid } = pictureParts(s.at("backbone"), config);
  const language = bert(s.at("language_backbone.body.model"), config.bert);
  const head = s.at("rpn.head");
  const tower = fusedTower(head.at("dyhead_tower"), s, config);
  const align = alignment(head, s, { channels, textWidth });

  const text = (ids: Tensor, mask: Tensor): Tensor => s.record("lang.hidden", language(ids, mask));
  const answer = head.layer((maps: readonly Tensor[], words: Tensor, mask: Tensor): HeadLevel[] => {
    const fused = tower.both(maps, words, mask);
    const [n, l] = mask.shape as readonly [number, number];
    // Without fusion, the reference sets the text features of padding to zero.
    return align(fusion ? fused : { ...fused, words: multiply(fused.words, reshape(mask, [n, l, 1])) });
  });

  const { parameters, records } = s;
  return {
    ...{ config, parameters, records, channels, maxTokens: config.maxTokens, textWidth },
    ...{ image: (pictures: Tensor) => pyramid(body(pictures)), text, answer },
    ...{ body, pyramid, language, tower, align },
  };
}

/** Outputs of every position: alignment scores with the words, boxes and centerness. */
function alignment(head: Scope, s: Scope, { channels, textWidth }: { channels: number; textWidth: number }) {
  const boxes = boxHead(head, channels);
  const projection = linear(head.at("dot_product_projection_text"), textWidth, channels, { weight: fanInUniform });
  const logScale = head.parameter("log_scale", [1], zeros);
  const wordBias = head.parameter("bias_lang", [textWidth], zeros);
  const bias = head.parameter("bias0", [1], logitBias);
  return ({ maps, words }: Fused): HeadLevel[] => {
    const [n, l] = words.shape as readonly [number, number, number];
    const unit = normalizeLength(words);
    const half = s.record("head.proj_tokens.in", multiply(unit, 0.5));
    const projected = s.record("head.proj_tokens", projection(half));
    const tokens = divide(projected, exp(logScale)); // [n,l,c]
    const offsets = reshape(add(sum(multiply(unit, wordBias), [-1]), bias), [n, 1, l]);
    return maps.map((map, i) => {
      const places = reshape(map, [n, channels, -1]);
      return {
        aligned: { places, tokens, offsets },
        logits: s.record(`head.dot_product_logits.p${i + 3}`, add(swapLast(matmul(tokens, places)), offsets)),
        ...boxes(map, i),
      };
    });
  };
}

/** Tensors of published checkpoints that are not parameters: tables computed from sizes, and an untrained head. */
export const publishedExtras = /relative_position_index|position_ids|cell_anchors|cls_logits/;
