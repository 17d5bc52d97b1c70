/** The shared parts of all detectors: backbone and feature pyramid, and the outputs for boxes and centerness. */

import { STRIDES } from "../../boxes/anchors.ts";
import { convolutionLayer, filled, normal, type ParameterInfo, type Scope, zeros } from "../../nn/index.ts";
import { multiply, reshape, type Tensor } from "../../tensor/index.ts";
import { fpn } from "./fpn.ts";
import { MOBILE_NET_CHANNELS, mobileNet } from "./mobile-net.ts";
import { type SwinConfig, swin } from "./swin.ts";

export interface DetectorConfig {
  /** The backbone: a Swin, or a MobileNetV2 trained on photos. */
  backbone: SwinConfig | "mobilenet-v2";
  /** Channels of the feature pyramid and of the head. */
  channels: number;
  /** Steps of the head's tower. */
  steps: number;
  /** Groups of the head's group norms. */
  groups: number;
}

/** Vectors whose dot products are the logits of a level. */
export interface AlignmentVectors {
  /** [n,c,h·w]. */
  places: Tensor;
  /** The same for all levels [n,l,c]. */
  tokens: Tensor;
  /** A bias per token, the same for all levels [n,1,l]. */
  offsets: Tensor;
}

/** The outputs of one level for n pictures and h·w positions. */
export interface HeadLevel {
  /** Alignment scores of positions with words or classes, before the sigmoid [n,h·w,l]. */
  logits: Tensor;
  /** Present if the logits are dot products of positions and words. */
  aligned?: AlignmentVectors;
  /** Box offsets [n,4,h,w]. */
  offsets: Tensor;
  /** Before the sigmoid [n,1,h,w]. */
  centerness: Tensor;
}

/** A detector in three parts, so that the results of each can be cached: picture features, text features, and outputs from both. */
export interface Detector {
  /** Its configuration in config.json. */
  readonly config: object;
  readonly parameters: readonly ParameterInfo[];
  /** The intermediates of the last trace, by name. */
  readonly records: ReadonlyMap<string, Tensor>;
  /** Channels of its maps. */
  readonly channels: number;
  /** Maximum number of tokens or classes in a prompt. */
  readonly maxTokens: number;
  /** d, the width of the vectors of `text`. */
  readonly textWidth: number;
  /** Pictures [n,3,h,w], sides multiples of 32, to maps at the five strides. */
  image(pictures: Tensor): Tensor[];
  /** Ids of tokens or classes and their mask [n,l] to vectors [n,l,d]. */
  text(ids: Tensor, mask: Tensor): Tensor;
  /** Maps, vectors and mask to outputs, level by level. */
  answer(maps: readonly Tensor[], vectors: Tensor, mask: Tensor): HeadLevel[];
}

/** Initial bias of logits: nearly all positions are background (Lin et al. 2017, section 4.1). */
export const logitBias = filled(-Math.log((1 - 0.01) / 0.01));

/** The backbone, whose maps have strides 8, 16 and 32, and the feature pyramid of its maps. */
export function pictureParts(s: Scope, { backbone, channels }: DetectorConfig) {
  const { body, inputs } = bodyOf(s.at("body"), backbone);
  return { body, pyramid: fpn(s.at("fpn"), { inputs, channels }) };
}

/** Backbone and feature pyramid. */
export function pictureMaps(s: Scope, config: DetectorConfig): Detector["image"] {
  const { body, pyramid } = pictureParts(s, config);
  return (pictures) => pyramid(body(pictures));
}

/** The outputs of each level besides the logits; `head` is the scope of the layers. */
export function boxHead(head: Scope, channels: number) {
  const near = { kernel: 1, weight: normal(0.01), bias: zeros };
  const boxes = convolutionLayer(head.at("bbox_pred"), channels, 4, near);
  const centre = convolutionLayer(head.at("centerness"), channels, 1, near);
  const scales = STRIDES.map((_, i) => head.parameter(`scales.${i}.scale`, [1], filled(1)));
  return (map: Tensor, level: number): Pick<HeadLevel, "offsets" | "centerness"> => ({
    offsets: head.record(`head.bbox_pred.p${level + 3}`, multiply(boxes(map), reshape(scales[level]!, [1, 1, 1, 1]))),
    centerness: head.record(`head.centerness.p${level + 3}`, centre(map)),
  });
}

/** Channels of the backbone's maps at strides 8, 16 and 32. */
export function pictureInputs(config: DetectorConfig["backbone"]): readonly [number, number, number] {
  if (config === "mobilenet-v2") return MOBILE_NET_CHANNELS;
  return [2 * config.embedDim, 4 * config.embedDim, 8 * config.embedDim];
}

function bodyOf(s: Scope, config: DetectorConfig["backbone"]) {
  const inputs = pictureInputs(config);
  return { body: config === "mobilenet-v2" ? mobileNet(s) : swin(s, config), inputs };
}
