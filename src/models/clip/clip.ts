/** CLIP (Radford et al. 2021): encodes pictures and texts as vectors in one space. Key names are those of OpenAI's checkpoints. */

import { filled, type ParameterInfo, Scope } from "../../nn/index.ts";
import { exp, matmul, multiply, normalizeLength, swapLast, type Tensor } from "../../tensor/index.ts";
import { attentionPool } from "../parts/attention-pool.ts";
import { type ModifiedResNetConfig, modifiedResNet, type Stage, stageChannels } from "../parts/modified-resnet.ts";
import { frozenNorm, type NormedConvolution } from "../parts/normed-convolution.ts";
import type { TransformerConfig } from "../parts/residual-attention.ts";
import { vit } from "../parts/vit.ts";
import { type MobileNetImageConfig, mobileNetEncoder } from "./mobile-net-encoder.ts";
import { type TextEncoderConfig, textEncoder } from "./text-encoder.ts";

/** The picture encoder of a CLIP with a modified ResNet. */
export interface ResNetImageConfig extends ModifiedResNetConfig {
  readonly kind: "resnet";
  /** Side of the pictures, in pixels. */
  readonly resolution: number;
}

/** The picture encoder of a CLIP with a vision transformer. */
export interface VitImageConfig extends TransformerConfig {
  readonly kind: "vit";
  readonly patch: number;
  readonly resolution: number;
}

/** Sizes of a CLIP: both encoders, and the width of their common vectors. */
export interface ClipConfig {
  /** Length of a vector. */
  readonly embedding: number;
  readonly image: ResNetImageConfig | VitImageConfig | MobileNetImageConfig;
  readonly text: TextEncoderConfig;
}

/** The parts of a CLIP, as layers without numbers. */
export interface Clip {
  readonly config: ClipConfig;
  readonly parameters: readonly ParameterInfo[];
  /** Intermediates of the last trace, by name. */
  readonly records: ReadonlyMap<string, Tensor>;
  /** Prepared pictures [n,3,resolution,resolution] to vectors [n,embedding], not normalised. */
  image(pictures: Tensor): Tensor;
  /** Token ids [n,l] and the positions of their ends [n] to vectors [n,embedding], not normalised. */
  text(ids: Tensor, ends: Tensor): Tensor;
  /** Cosines of n pictures' and m texts' vectors, times the learned scale: [n,m]. */
  logits(pictures: Tensor, texts: Tensor): Tensor;
}

/** ln(1/0.07), after Wu et al. 2018. */
const FIRST_LOGIT_SCALE = Math.log(1 / 0.07);
const STAGES: readonly Stage[] = [1, 2, 3, 4];

/** Options for building a CLIP. */
export interface ClipOptions {
  /** How batch norms are computed. Default: with their running statistics. */
  readonly normed?: NormedConvolution;
}

/** The parts of a CLIP. */
export function clip(config: ClipConfig, { normed = frozenNorm }: ClipOptions = {}): Clip {
  const s = new Scope();
  const see = imageEncoder(s.at("visual"), config, normed);
  const read = textEncoder(s, config.text, config.embedding);
  const scale = s.parameter("logit_scale", [], filled(FIRST_LOGIT_SCALE));
  return {
    config,
    parameters: s.parameters,
    records: s.records,
    image: (pictures) => s.record("image_features", see(pictures)),
    text: (ids, ends) => s.record("text_features", read(ids, ends)),
    logits: s.layer((pictures: Tensor, texts: Tensor) => {
      const cosines = matmul(normalizeLength(pictures), swapLast(normalizeLength(texts)));
      return s.record("logits_per_image", multiply(exp(scale), cosines));
    }),
  };
}

function imageEncoder(s: Scope, { image, embedding }: ClipConfig, normed: NormedConvolution) {
  if (image.kind === "vit") return vit(s, { ...image, outputs: embedding });
  if (image.kind === "mobilenet") return mobileNetEncoder(s, image, embedding).see;
  const { width, resolution } = image;
  const body = modifiedResNet(s, image, normed);
  const pool = attentionPool(s.at("attnpool"), {
    side: Math.floor(resolution / 32),
    channels: stageChannels(image, 4),
    heads: width / 2,
    outputs: embedding,
  });
  return (pictures: Tensor): Tensor => pool(STAGES.reduce((x, stage) => body.stage(stage, x), body.stem(pictures)));
}
