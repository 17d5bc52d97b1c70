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
import { type BertConfig, bert, bertLayer } from "../parts/bert.ts";
import {
  boxHead,
  type Detector,
  type DetectorConfig,
  type HeadLevel,
  logitBias,
  pictureMaps,
} from "../parts/detector.ts";
import { dyConv } from "../parts/dyhead.ts";
import { biAttention } from "./bi-attention.ts";

/** Sizes of a GLIP: picture encoder, language model, fusion and head. */
export interface GlipConfig extends DetectorConfig {
  bert: BertConfig;
  /** Deep fusion; absent in GLIP-T (A). */
  fusion?: { width: number; heads: number };
  /** Maximum number of tokens in a prompt, including the two special tokens. */
  maxTokens: number;
}

/** The parts of a GLIP: picture features, text features, and outputs from both. */
export function glip(config: GlipConfig): Detector & { readonly config: GlipConfig } {
  const s = new Scope();
  const { channels, fusion, steps } = config;
  const textWidth = config.bert.hiddenSize;
  const image = pictureMaps(s.at("backbone"), config);
  const language = bert(s.at("language_backbone.body.model"), config.bert);
  const head = s.at("rpn.head");
  const tower = head.at("dyhead_tower");
  const stride = fusion ? 3 : 1;
  const stages = Array.from({ length: steps }, (_, i) => {
    const at = stride * i;
    return {
      name: `tower.${at}`,
      fuse: fusion && biAttention(tower.at(`${at}.b_attn`), { channels, textWidth, ...fusion, steps }),
      read: fusion && bertLayer(tower.at(at + 1), config.bert),
      readName: `tower.${at + 1}`,
      convolve: dyConv(tower.at(at + stride - 1), config),
      convolveName: `tower.${at + stride - 1}`,
    };
  });
  const boxes = boxHead(head, channels);
  const projection = linear(head.at("dot_product_projection_text"), textWidth, channels, { weight: fanInUniform });
  const logScale = head.parameter("log_scale", [1], zeros);
  const wordBias = head.parameter("bias_lang", [textWidth], zeros);
  const bias = head.parameter("bias0", [1], logitBias);

  const text = (ids: Tensor, mask: Tensor): Tensor => s.record("lang.hidden", language(ids, mask));

  const answer = head.layer((maps: readonly Tensor[], words: Tensor, mask: Tensor): HeadLevel[] => {
    let visual = [...maps];
    let hidden = words;
    for (const stage of stages) {
      if (stage.fuse && stage.read) {
        const fused = stage.fuse(visual, hidden, mask);
        fused.maps.forEach((map, i) => {
          s.record(`${stage.name}.fuse.v${i + 3}`, map);
        });
        s.record(`${stage.name}.fuse.l`, fused.words);
        visual = fused.maps;
        hidden = s.record(`${stage.readName}.bert.l`, stage.read(fused.words, mask));
      }
      visual = stage.convolve(visual, (name, value) => s.record(`${stage.convolveName}.${name}`, value));
    }
    const [n, l] = mask.shape as readonly [number, number];
    // Without fusion, the reference sets the text features of padding to zero.
    const given = fusion ? hidden : multiply(hidden, reshape(mask, [n, l, 1]));
    const unit = normalizeLength(given);
    const half = s.record("head.proj_tokens.in", multiply(unit, 0.5));
    const projected = s.record("head.proj_tokens", projection(half));
    const tokens = divide(projected, exp(logScale)); // [n,l,c]
    const offsets = reshape(add(sum(multiply(unit, wordBias), [-1]), bias), [n, 1, l]);
    return visual.map((map, i) => {
      const places = reshape(map, [n, channels, -1]);
      return {
        aligned: { places, tokens, offsets },
        logits: s.record(`head.dot_product_logits.p${i + 3}`, add(swapLast(matmul(tokens, places)), offsets)),
        ...boxes(map, i),
      };
    });
  });

  const { parameters, records } = s;
  return { config, parameters, records, channels, maxTokens: config.maxTokens, textWidth, image, text, answer };
}

/** A GLIP as layers without numbers, with its configuration. */
export type Glip = ReturnType<typeof glip>;

/** Tensors of published checkpoints that are not parameters: tables computed from sizes, and an untrained head. */
export const publishedExtras = /relative_position_index|position_ids|cell_anchors|cls_logits/;
