/** `groundling/models`: models as layers with names and shapes, without numbers. */

export * from "./models/clip/clip.ts";
export { clipPresets } from "./models/clip/clip-presets.ts";
export type { MobileNetImageConfig } from "./models/clip/mobile-net-encoder.ts";
export type { TextEncoderConfig } from "./models/clip/text-encoder.ts";
export * from "./models/dynamic-head/dynamic-head.ts";
export * from "./models/glip/glip.ts";
export { glipPresets } from "./models/glip/glip-presets.ts";
export { inferConfig } from "./models/glip/infer-config.ts";
export type { Fused, Tower } from "./models/glip/tower.ts";
export type { ContrastConfig, ContrastSpace } from "./models/glip-v2/contrast-space.ts";
export { type Captioner, type GlipV2, type GlipV2Config, glipV2 } from "./models/glip-v2/glip-v2.ts";
export type { LevelBoxes, MaskHead, MaskWords } from "./models/glip-v2/mask-head.ts";
export type { Bert, BertConfig, NextToken, Remembered } from "./models/parts/bert.ts";
export type { AlignmentVectors as Aligned, Detector, HeadLevel } from "./models/parts/detector.ts";
export type { NamedShapes } from "./models/parts/family.ts";
export type { NormedConvolution, NormedConvolutionOptions } from "./models/parts/normed-convolution.ts";
export type { SwinConfig } from "./models/parts/swin.ts";
