/** What all detectors here have in common: maps of a picture before the head; boxes and how near their middle is behind it. */

import { STRIDES } from "../../boxes/anchors.ts";
import { convolutionLayer, filled, normal, type ParameterInfo, type Scope, zeros } from "../../nn/index.ts";
import { multiply, reshape, type Tensor } from "../../tensor/index.ts";
import { fpn } from "./fpn.ts";
import { MOBILE_NET_CHANNELS, mobileNet } from "./mobile-net.ts";
import { type SwinConfig, swin } from "./swin.ts";

export interface DetectorConfig {
  /** What turns pictures into maps: a Swin, or the MobileNetV2 whose weights saw real photos. */
  backbone: SwinConfig | "mobilenet-v2";
  /** Channels of the pyramid and of the head. */
  channels: number;
  /** Steps of the head's tower. */
  steps: number;
  /** Groups of the head's group norms. */
  groups: number;
}

/** Vectors whose products are the logits of a level. */
export interface Aligned {
  /** [n,c,h·w]. */
  places: Tensor;
  /** The same for all levels [n,l,c]. */
  tokens: Tensor;
  /** What is added to every product with a token, the same for all levels [n,1,l]. */
  offsets: Tensor;
}

/** One level's answers for n pictures and h·w places. */
export interface HeadLevel {
  /** Match of each place with each word or class, before the sigmoid [n,h·w,l]. */
  logits: Tensor;
  /** Where the logits are products of places and words. */
  aligned?: Aligned;
  /** Box offsets [n,4,h,w]. */
  offsets: Tensor;
  /** Before the sigmoid [n,1,h,w]. */
  centerness: Tensor;
}

/** A detector in three parts, so that each part's answer can be kept: picture to maps, words to vectors, both to answers. */
export interface Detector {
  /** What config.json says of it. */
  readonly config: object;
  readonly parameters: readonly ParameterInfo[];
  /** The intermediates of the last trace, by name. */
  readonly records: ReadonlyMap<string, Tensor>;
  /** Of its maps. */
  readonly channels: number;
  /** Most words or classes that are asked for at once. */
  readonly maxTokens: number;
  /** d, the width of the vectors of `text`. */
  readonly textWidth: number;
  /** Pictures [n,3,h,w], sides multiples of 32, to maps at the five strides. */
  image(pictures: Tensor): Tensor[];
  /** Numbers of words or classes and their mask [n,l] to vectors [n,l,d]. */
  text(ids: Tensor, mask: Tensor): Tensor;
  /** Maps, vectors and mask to answers, level by level. */
  answer(maps: readonly Tensor[], vectors: Tensor, mask: Tensor): HeadLevel[];
}

/** First value of the bias of logits: nearly all places answer for nothing (Lin et al. 2017, section 4.1). */
export const logitBias = filled(-Math.log((1 - 0.01) / 0.01));

/** Body and pyramid. */
export function pictureMaps(s: Scope, { backbone, channels }: DetectorConfig): Detector["image"] {
  const { body, inputs } = bodyOf(s.at("body"), backbone);
  const pyramid = fpn(s.at("fpn"), { inputs, channels });
  return (pictures) => pyramid(body(pictures));
}

/** What each level's map says besides the logits; `head` is the scope that holds its layers. */
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

/** The backbone's body, and the channels of its maps at strides 8, 16 and 32. */
function bodyOf(s: Scope, config: DetectorConfig["backbone"]) {
  if (config === "mobilenet-v2") return { body: mobileNet(s), inputs: MOBILE_NET_CHANNELS };
  const inputs = [2, 4, 8].map((times) => config.embedDim * times) as [number, number, number];
  return { body: swin(s, config), inputs };
}
