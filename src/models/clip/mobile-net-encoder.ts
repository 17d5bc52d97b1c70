/** The picture encoder of a small CLIP: the body of COCO-SSD, the means of its maps at strides 16 and 32, and two layers. */

import { linear, type Scope } from "../../nn/index.ts";
import { concat, mean, relu, reshape, type Tensor } from "../../tensor/index.ts";
import { MOBILE_NET_CHANNELS, mobileNet } from "../parts/mobile-net.ts";

/** The picture encoder of a CLIP with a MobileNetV2. */
export interface MobileNetImageConfig {
  readonly kind: "mobilenet";
  /** Width of the layer between the body and the vectors. */
  readonly hidden: number;
  readonly resolution: typeof MOBILE_NET_SIDE;
}

/** Side of the pictures, in pixels; the weights do not tell it. */
export const MOBILE_NET_SIDE = 160;

const [, MIDDLE, LAST] = MOBILE_NET_CHANNELS;
/** Numbers of a picture between the body and the layers after it. */
export const MOBILE_NET_FEATURES = MIDDLE + LAST;

/** Pictures [n,3,resolution,resolution] to vectors [n,outputs]; `head` takes the means [n,MOBILE_NET_FEATURES] instead of pictures. */
export function mobileNetEncoder(s: Scope, { hidden }: MobileNetImageConfig, outputs: number) {
  const body = mobileNet(s.at("body"));
  const widen = linear(s.at("hidden"), MOBILE_NET_FEATURES, hidden);
  const project = linear(s.at("out"), hidden, outputs);
  const head = s.layer((features: Tensor): Tensor => project(relu(widen(features))));
  const see = s.layer((pictures: Tensor): Tensor => {
    const [, middle, last] = body(pictures);
    const n = pictures.shape[0]!;
    const means = [middle!, last!].map((map) => reshape(mean(map, [2, 3]), [n, map.shape[1]!]));
    return head(s.record(s.at("features").path, concat(means, 1)));
  });
  return { see, head };
}
