/**
 * GLIPv2 (Zhang et al. 2022): a GLIP with further heads, each of which a configuration can leave out. Key names are those of the released GLIP code
 * where it has them, else ours. No weights of it were published.
 */

import { type Layer, Scope } from "../../nn/index.ts";
import { constant, multiply, reshape, type Tensor } from "../../tensor/index.ts";
import { type Glip, type GlipConfig, glip } from "../glip/glip.ts";
import type { NextToken, Remembered } from "../parts/bert.ts";
import { type Detector, pictureInputs } from "../parts/detector.ts";
import { answerHead } from "./answer-head.ts";
import { type ContrastConfig, type ContrastSpace, contrastSpace } from "./contrast-space.ts";
import { type MaskHead, maskHead } from "./mask-head.ts";
import { wordHead } from "./word-head.ts";

export interface GlipV2Config extends GlipConfig {
  readonly fusion: { width: number; heads: number };
  /** Contrast of regions and words over pictures, for training. */
  readonly contrast?: ContrastConfig;
  readonly heads: {
    /** Words behind masks in texts, for training. */
    readonly maskedWords?: true;
    readonly masks?: true;
    readonly captions?: true;
  };
  /** The answers that questions can have. */
  readonly answers?: readonly string[];
}

/** The parts of a GLIPv2. `answer` gives the outputs of detection, as a GLIP's. Heads that its configuration does not name are undefined. */
export interface GlipV2 extends Glip {
  readonly config: GlipV2Config;
  /** Where regions and words of different pictures are compared. */
  readonly contrast: ContrastSpace | undefined;
  /** Fused words [m,d] to logits of the words behind them [m,v]. */
  readonly maskedWords: Layer | undefined;
  /** Masks of boxes by words. */
  readonly masks: MaskHead | undefined;
  /** Fused words [n,l,d] of questions to logits of answers [n,answers]. */
  readonly answering: Layer | undefined;
  /** Captions, word by word. */
  readonly captions: Captioner | undefined;
}

/** Captions: words attend to the picture and to earlier words; the picture does not attend to words. */
export interface Captioner {
  /** Ids [n,l] (int64) and mask [n,l] to vectors [n,l,d]; `places` are of `tower.see`. */
  vectors(ids: Tensor, mask: Tensor, places: readonly Tensor[]): Tensor;
  /** Vectors [n,l,d] to logits of the next word [n,l,v]. */
  logits(vectors: Tensor): Tensor;
  /** One more word [n,1] (int64) at a place [1] (int64) after those that each layer remembers; `mask` [n,length+1] is 0 where none is yet. */
  step(ids: Tensor, place: Tensor, past: readonly Remembered[], mask: Tensor, places: readonly Tensor[]): NextToken;
}

/** The parts of a GLIPv2; heads that its configuration does not name are absent. */
export function glipV2(config: GlipV2Config): GlipV2 {
  const s = new Scope();
  const { channels, contrast, heads, answers, bert } = config;
  const textWidth = bert.hiddenSize;
  const base = glip(config, s);
  const regionWidth = contrast?.regions === "c4" ? pictureInputs(config.backbone)[1] : channels;
  const words = (at: Scope) => wordHead(at, textWidth, bert.vocabularySize);
  const space = contrast && contrastSpace(s.at("rpn.loss_evaluator"), contrast, { regionWidth, textWidth });
  const maskedWords = heads.maskedWords && words(s.at("rpn.head.mlm_head"));
  const masks = heads.masks && maskHead(s.at("roi_heads.mask"), channels, textWidth);
  const answering = answers && answerHead(s.at("vqa_head"), textWidth, answers.length);
  const captions = heads.captions && captioner(base, words(s.at("caption_head")));
  return { ...base, config, parameters: s.parameters, contrast: space, maskedWords, masks, answering, captions };
}

/** Captions: words attend to the picture and to earlier words; the picture does not attend to words. */
function captioner({ language, tower }: Glip, head: Layer): Captioner {
  return {
    vectors(ids, mask, places) {
      const seen = causal(mask);
      return tower.read(language(ids, seen), seen, places);
    },
    logits: head,
    step(ids, place, past, mask, places) {
      const layers = past.length - places.length;
      const first = language.step(ids, place, past.slice(0, layers), mask);
      const then = tower.step(first.vectors, past.slice(layers), mask, places);
      return { vectors: then.vectors, remembered: [...first.remembered, ...then.remembered] };
    },
  };
}

/** A mask [n,l] to one [n,l,l] by which each word sees itself and earlier ones. */
export function causal(mask: Tensor): Tensor {
  const [n, l] = mask.shape as readonly [number, number];
  const earlier = Float32Array.from({ length: l * l }, (_, i) => (i % l <= Math.floor(i / l) ? 1 : 0));
  return multiply(reshape(mask, [n, 1, l]), constant(earlier, [1, l, l]));
}

/** Whether a detector is a GLIPv2, with or without its further heads. */
export function isGlipV2(model: Detector): model is GlipV2 {
  return "tower" in model && "heads" in model.config;
}
