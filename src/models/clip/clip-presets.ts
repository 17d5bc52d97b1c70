/** The published CLIP models (Radford et al. 2021, table 20) and the small ones of the tests. */

import type { TransformerConfig } from "../parts/residual-attention.ts";
import type { ClipConfig, ResNetImageConfig, VitImageConfig } from "./clip.ts";
import { MOBILE_NET_SIDE } from "./mobile-net-encoder.ts";
import type { TextEncoderConfig } from "./text-encoder.ts";

/** All attention heads have width 64; hidden layers are four times as wide as the model. */
export function transformerSizes(width: number, layers: number): TransformerConfig {
  return { width, layers, heads: width / 64, hidden: 4 * width, activation: "quickGelu" };
}

function text(width: number, layers = 12, vocabulary = 49_408): TextEncoderConfig {
  return { ...transformerSizes(width, layers), vocabulary, context: 77 };
}

function resnet(blocks: ResNetImageConfig["blocks"], width: number, resolution: number): ResNetImageConfig {
  return { kind: "resnet", blocks, width, resolution };
}

function vision(width: number, layers: number, patch: number, resolution = 224): VitImageConfig {
  return { kind: "vit", ...transformerSizes(width, layers), patch, resolution };
}

/** The published CLIPs, the small one of this package (`scripts/small-clip.ts`), and those of the tests. */
export const clipPresets = {
  rn50: { embedding: 1024, image: resnet([3, 4, 6, 3], 64, 224), text: text(512) },
  rn101: { embedding: 512, image: resnet([3, 4, 23, 3], 64, 224), text: text(512) },
  rn50x4: { embedding: 640, image: resnet([4, 6, 10, 6], 80, 288), text: text(640) },
  rn50x16: { embedding: 768, image: resnet([6, 8, 18, 8], 96, 384), text: text(768) },
  rn50x64: { embedding: 1024, image: resnet([3, 15, 36, 10], 128, 448), text: text(1024) },
  "vit-b32": { embedding: 512, image: vision(768, 12, 32), text: text(512) },
  "vit-b16": { embedding: 512, image: vision(768, 12, 16), text: text(512) },
  "vit-l14": { embedding: 768, image: vision(1024, 24, 14), text: text(768) },
  "vit-l14-336": { embedding: 768, image: vision(1024, 24, 14, 336), text: text(768) },
  small: {
    embedding: 256,
    image: { kind: "mobilenet", hidden: 384, resolution: MOBILE_NET_SIDE },
    text: { ...text(128, 1, 4096), context: 32 },
  },
  "nano-rn": { embedding: 24, image: resnet([1, 2, 1, 1], 8, 96), text: text(128, 2, 1000) },
  "nano-vit": { embedding: 40, image: vision(128, 2, 16, 96), text: text(64, 3, 1000) },
} as const satisfies Record<string, ClipConfig>;
