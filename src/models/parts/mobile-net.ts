/** MobileNetV2 (Sandler et al. 2018) with batch norms merged into convolutions: a small backbone trained on photos. */

import { extent, fanInUniform, type Scope, zeros } from "../../nn/index.ts";
import { add, clamp, convolution, type Tensor } from "../../tensor/index.ts";

/** Expansion, channels, repeats and first stride of each row of the paper's table 2. */
const ROWS = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;
const FIRST = 32;
const LAST = 1280;
/** Blocks with expanded maps that are the finest outputs at their strides. */
const HANDED_ON = [6, 13];

/** Channels of the maps at strides 8, 16 and 32. */
export const MOBILE_NET_CHANNELS = [192, 576, LAST] as const;

/** Pictures [n,3,h,w], sides multiples of 32, prepared as for GLIP, to maps at strides 8, 16 and 32. */
export function mobileNet(s: Scope) {
  const first = sameConvolution(s.at("first"), 3, FIRST, { kernel: 3, stride: 2 });
  let channels = FIRST;
  const blocks = ROWS.flatMap(([expansion, outputs, repeats, firstStride]) =>
    Array.from({ length: repeats }, (_, i) => ({ expansion, outputs, stride: i === 0 ? firstStride : 1 })),
  ).map(({ expansion, outputs, stride }, i) => {
    const at = s.at(`blocks.${i}`);
    const wide = channels * expansion;
    const expand = expansion === 1 ? undefined : sameConvolution(at.at("expand"), channels, wide, { kernel: 1 });
    const spread = sameConvolution(at.at("depthwise"), wide, wide, { kernel: 3, stride, groups: wide });
    const project = sameConvolution(at.at("project"), wide, outputs, { kernel: 1 });
    const residual = stride === 1 && channels === outputs;
    channels = outputs;
    return (x: Tensor) => {
      const widened = expand ? relu6(expand(x)) : x;
      const y = project(relu6(spread(widened)));
      return { widened, y: residual ? add(x, y) : y };
    };
  });
  const last = sameConvolution(s.at("last"), channels, LAST, { kernel: 1 });

  return s.layer((picture: Tensor): Tensor[] => {
    let x = relu6(first(picture));
    const maps: Tensor[] = [];
    blocks.forEach((block, i) => {
      const { widened, y } = block(x);
      if (HANDED_ON.includes(i)) maps.push(widened);
      x = y;
    });
    return [...maps, relu6(last(x))];
  });
}

/** ReLU6: values from 0 to 6. */
export function relu6(x: Tensor): Tensor {
  return clamp(x, 0, 6);
}

/** A convolution padded as TensorFlow's SAME: with a stride of 2, even sides get nothing above and to the left. */
export function sameConvolution(
  s: Scope,
  inputs: number,
  outputs: number,
  { kernel, stride = 1, groups = 1 }: { kernel: 1 | 3; stride?: 1 | 2; groups?: number },
) {
  const weight = s.parameter("weight", [outputs, inputs / groups, kernel, kernel], fanInUniform);
  const bias = s.parameter("bias", [outputs], zeros);
  const edge = kernel === 3 ? 1 : 0;
  return (x: Tensor) => {
    const [above, left] = extent(x).map((side) => (stride === 2 ? edge * (side % 2) : edge)) as [number, number];
    return convolution(x, weight, { bias, stride, padding: [above, left, edge, edge], groups });
  };
}
