/** The region proposal network of RegionCLIP: a ResNet and a region proposal head (Ren et al. 2015; detectron2). */

import { convolutionLayer, extent, type Layer, type Scope } from "../../nn/index.ts";
import { add, relu, reshape, resizeNearest, slice, type Tensor, transpose } from "../../tensor/index.ts";
import type { NormedConvolution } from "../parts/normed-convolution.ts";
import { type ResNetConfig, resnet } from "../parts/resnet.ts";

export interface LocaliserConfig extends ResNetConfig {
  /** Channels of the feature pyramid; without one, region proposals come from the third stage only. */
  readonly pyramid?: number;
  /**
   * Whether the pyramid's convolutions have norms instead of biases, and the head two convolutions: the version trained with large-scale
   * jitter.
   */
  readonly jittered: boolean;
}

/** Its pixels, as in Caffe: blue, green and red, less their means. */
export const LOCALISER_PIXELS = {
  channels: "bgr",
  highest: 255,
  mean: [103.53, 116.28, 123.675],
  deviation: [1, 1, 1],
} as const;

/** Strides of the maps with proposals, and the square roots of their anchors' areas. */
export const PYRAMID_LEVELS = [
  { stride: 4, sizes: [32] },
  { stride: 8, sizes: [64] },
  { stride: 16, sizes: [128] },
  { stride: 32, sizes: [256] },
  { stride: 64, sizes: [512] },
] as const;
export const SINGLE_LEVEL = [{ stride: 16, sizes: [32, 64, 128, 256, 512] }] as const;
/** Ratios of the anchors' heights to their widths. */
export const ANCHOR_RATIOS = [0.5, 1, 2] as const;

/** The outputs for a level's anchors, in the order of positions, sizes and ratios. */
export interface Proposed {
  /** [n,anchors]: logits of an object. */
  readonly logits: Tensor;
  /** [n,anchors,4]: dx, dy, dw, dh from the anchors. */
  readonly deltas: Tensor;
}

/** Pictures [n,3,h,w] (blue, green, red, minus their mean; sides multiples of 32 for a pyramid) to proposals at each level. */
export function localiser(body: Scope, head: Scope, config: LocaliserConfig, normed: NormedConvolution) {
  const see = config.pyramid ? pyramid(body, config.pyramid, config, normed) : lastStage(body, config, normed);
  const channels = config.pyramid ?? config.channels * 4;
  const anchors = (config.pyramid ? 1 : SINGLE_LEVEL[0].sizes.length) * ANCHOR_RATIOS.length;
  const names = config.jittered ? ["conv.conv0", "conv.conv1"] : ["conv"];
  const hidden = names.map((name) => convolutionLayer(head.at(name), channels, channels, { kernel: 3, padding: 1 }));
  const objectness = convolutionLayer(head.at("objectness_logits"), channels, anchors, { kernel: 1 });
  const offsets = convolutionLayer(head.at("anchor_deltas"), channels, 4 * anchors, { kernel: 1 });
  return head.layer((pictures: Tensor): Proposed[] =>
    see(pictures).map((map, level) => {
      const [n, [h, w]] = [map.shape[0]!, extent(map)];
      const x = hidden.reduce((y, layer) => relu(layer(y)), map);
      const logits = reshape(transpose(objectness(x), [0, 2, 3, 1]), [n, h * w * anchors]);
      const perAnchor = reshape(offsets(x), [n, anchors, 4, h, w]);
      const deltas = reshape(transpose(perAnchor, [0, 3, 4, 1, 2]), [n, h * w * anchors, 4]);
      return {
        logits: head.record(`rpn.logits.${level}`, logits),
        deltas: head.record(`rpn.deltas.${level}`, deltas),
      };
    }),
  );
}

function lastStage(s: Scope, config: LocaliserConfig, normed: NormedConvolution) {
  const body = resnet(s, config, normed, "offline");
  return (pictures: Tensor): Tensor[] => body(pictures).slice(-1);
}

/** Maps at strides 4 to 64 (Lin et al. 2017). */
function pyramid(s: Scope, channels: number, config: LocaliserConfig, normed: NormedConvolution) {
  const body = resnet(s.at("bottom_up"), config, normed, "offline");
  const convolve = (name: string, inputs: number, kernel: 1 | 3): Layer =>
    config.jittered
      ? normed(s.at(name), s.at(name).at("norm"), { inputs, outputs: channels, kernel })
      : convolutionLayer(s.at(name), inputs, channels, { kernel, padding: (kernel - 1) / 2 });
  const levels = config.blocks.map((_, i) => ({
    lateral: convolve(`fpn_lateral${i + 2}`, config.channels * 2 ** i, 1),
    output: convolve(`fpn_output${i + 2}`, channels, 3),
  }));
  return s.layer((pictures: Tensor): Tensor[] => {
    const maps = body(pictures);
    const found: Tensor[] = [];
    let above: Tensor | undefined;
    for (let i = levels.length - 1; i >= 0; i--) {
      const own = levels[i]!.lateral(maps[i]!);
      above = above ? add(own, resizeNearest(above, extent(own))) : own;
      found.unshift(levels[i]!.output(above));
    }
    const top = found.at(-1)!;
    found.push(slice(slice(top, { axis: 2, step: 2 }), { axis: 3, step: 2 }));
    found.forEach((map, i) => {
      s.record(`offline.p${i + 2}`, map);
    });
    return found;
  });
}
