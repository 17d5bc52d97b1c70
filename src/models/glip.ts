/** GLIP (Li et al. 2022): a detector whose classes are words. Key names are those of the published checkpoints. */

import { convolutionLayer, fanInUniform, filled, linear, normal, Scope, zeros } from "../nn/index.ts";
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
} from "../tensor/index.ts";
import { type BertConfig, bert, bertLayer } from "./bert.ts";
import { biAttention } from "./bi-attention.ts";
import { dyConv } from "./dyhead.ts";
import { fpn } from "./fpn.ts";
import { MOBILE_NET_CHANNELS, mobileNet } from "./mobile-net.ts";
import { type SwinConfig, swin } from "./swin.ts";

export interface GlipConfig {
  /** What turns pictures into maps: a Swin, or the MobileNetV2 whose weights saw real photos. */
  backbone: SwinConfig | "mobilenet-v2";
  bert: BertConfig;
  /** Channels of the pyramid and of the head. */
  channels: number;
  /** Steps of the head's tower. */
  steps: number;
  /** Groups of the head's group norms. */
  groups: number;
  /** Deep fusion; absent in GLIP-T (A). */
  fusion?: { width: number; heads: number };
  /** Most tokens of a prompt, with the two special ones. */
  maxTokens: number;
}

/** Distance in pixels between the places of each level. */
export const STRIDES = [8, 16, 32, 64, 128] as const;

/** One level's answers for n pictures and h·w places. */
export interface HeadLevel {
  /** Alignment of each place with each word, before the sigmoid [n,h·w,l]. */
  logits: Tensor;
  /** Box offsets [n,4,h,w]. */
  offsets: Tensor;
  /** Before the sigmoid [n,1,h,w]. */
  centerness: Tensor;
}

const PRIOR = 0.01;

/** The parts of a GLIP: picture to maps, words to vectors, both to answers. */
export function glip(config: GlipConfig) {
  const s = new Scope();
  const { channels, fusion, steps } = config;
  const textWidth = config.bert.hiddenSize;
  const { body, inputs } = bodyOf(s.at("backbone.body"), config.backbone);
  const pyramid = fpn(s.at("backbone.fpn"), { inputs, channels });
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
  const near = { kernel: 1, weight: normal(0.01), bias: zeros };
  const boxes = convolutionLayer(head.at("bbox_pred"), channels, 4, near);
  const centre = convolutionLayer(head.at("centerness"), channels, 1, near);
  const projection = linear(head.at("dot_product_projection_text"), textWidth, channels, { weight: fanInUniform });
  const logScale = head.parameter("log_scale", [1], zeros);
  const wordBias = head.parameter("bias_lang", [textWidth], zeros);
  const bias = head.parameter("bias0", [1], filled(-Math.log((1 - PRIOR) / PRIOR)));
  const scales = STRIDES.map((_, i) => head.parameter(`scales.${i}.scale`, [1], filled(1)));

  /** Pictures [n,3,h,w], sides multiples of 32, to maps at the five strides. */
  const image = (pictures: Tensor): Tensor[] => pyramid(body(pictures));

  /** Token ids and mask [n,l] to vectors [n,l,d]. */
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
    // Without fusion the reference hands over the words with padding set to zero.
    const given = fusion ? hidden : multiply(hidden, reshape(mask, [n, l, 1]));
    const unit = normalizeLength(given);
    const half = s.record("head.proj_tokens.in", multiply(unit, 0.5));
    const projected = s.record("head.proj_tokens", projection(half));
    const tokens = divide(projected, exp(logScale)); // [n,l,c]
    const offset = reshape(add(sum(multiply(unit, wordBias), [-1]), bias), [n, 1, l]);
    return visual.map((map, i) => ({
      logits: s.record(
        `head.dot_product_logits.p${i + 3}`,
        add(swapLast(matmul(tokens, reshape(map, [n, channels, -1]))), offset),
      ),
      offsets: s.record(`head.bbox_pred.p${i + 3}`, multiply(boxes(map), reshape(scales[i]!, [1, 1, 1, 1]))),
      centerness: s.record(`head.centerness.p${i + 3}`, centre(map)),
    }));
  });

  return { config, parameters: s.parameters, records: s.records, image, text, answer };
}

/** The backbone's body, and the channels of its maps at strides 8, 16 and 32. */
function bodyOf(s: Scope, config: GlipConfig["backbone"]) {
  if (config === "mobilenet-v2") return { body: mobileNet(s), inputs: MOBILE_NET_CHANNELS };
  const inputs = [2, 4, 8].map((times) => config.embedDim * times) as [number, number, number];
  return { body: swin(s, config), inputs };
}

export type Glip = ReturnType<typeof glip>;

/** What published checkpoints hold besides parameters: tables that follow from the sizes, and a head that is never trained. */
export const publishedExtras = /relative_position_index|position_ids|cell_anchors|cls_logits/;
