/** Dynamic head (Dai et al. 2021) as in GLIP's `rpn/vldyhead.py`: deformable convolutions over neighbouring levels. */

import {
  convolutionLayer,
  deformableLayer,
  extent,
  fanInUniform,
  groupNormLayer,
  type Layer,
  linear,
  normal,
  type Scope,
  zeros,
} from "../../nn/index.ts";
import {
  add,
  hardSigmoid,
  maximum,
  mean,
  multiply,
  relu,
  reshape,
  resizeLinear,
  sigmoid,
  slice,
  subtract,
  type Tensor,
} from "../../tensor/index.ts";

export interface DyHeadConfig {
  channels: number;
  /** Groups of the group norms. */
  groups: number;
}

const OFFSETS = 18;
const TAPS = 9;

/** One step of the tower: maps at all levels to maps of the same sizes. */
export function dyConv(s: Scope, { channels, groups }: DyHeadConfig) {
  const branch = (i: number, stride: number) => {
    const at = s.at("DyConv").at(i);
    return {
      convolve: deformableLayer(at.at("conv"), channels, stride),
      norm: groupNormLayer(at.at("bn"), channels, groups),
      stride,
    };
  };
  const [coarser, same, finer] = [branch(0, 1), branch(1, 1), branch(2, 2)] as const;
  const attention = convolutionLayer(s.at("AttnConv.1"), channels, 1, { kernel: 1, weight: normal(0.01), bias: zeros });
  const activation = dynamicRelu(s.at("relu"), channels);
  const place = convolutionLayer(s.at("offset"), channels, OFFSETS + TAPS, {
    kernel: 3,
    padding: 1,
    weight: fanInUniform,
  });

  return s.layer((maps: readonly Tensor[], record: (name: string, value: Tensor) => void): Tensor[] =>
    maps.map((map, level) => {
      const placed = place(map);
      const offset = slice(placed, { axis: 1, end: OFFSETS });
      const mask = sigmoid(slice(placed, { axis: 1, start: OFFSETS }));
      record(`detail.offset_mask.v${level + 3}`, placed);
      const run = (name: string, { convolve, norm, stride }: typeof same, x: Tensor) => {
        const [h, w] = extent(x).map((size) => Math.ceil(size / stride)) as [number, number];
        const result = norm(convolve(x, readFlat(offset, OFFSETS, h, w), readFlat(mask, TAPS, h, w)));
        record(`detail.${name}.v${level + 3}`, result);
        return result;
      };
      const terms = [run("DyConv1", same, map)];
      const below = maps[level - 1];
      const above = maps[level + 1];
      if (below) terms.push(run("DyConv2", finer, below));
      if (above) terms.push(resizeLinear(run("DyConv0", coarser, above), extent(map), "aligned"));
      const weighed = terms.map((term) => {
        const share = multiply(hardSigmoid(relu(attention(mean(term, [2, 3])))), 1 / terms.length);
        return multiply(term, share);
      });
      const result = activation(weighed.reduce((sum, term) => add(sum, term)));
      record(`dyconv.v${level + 3}`, result);
      return result;
    }),
  );
}

/**
 * The coarser neighbour gets the offsets of the finer level. The reference reads that buffer as flat memory with the
 * neighbour's size (`csrc/cuda/deform_conv_kernel_cuda.cu`), and the published weights were trained this way.
 */
export function readFlat(x: Tensor, channels: number, h: number, w: number): Tensor {
  const n = x.shape[0]!;
  const flat = reshape(x, [n, -1]);
  return reshape(slice(flat, { axis: 1, end: channels * h * w }), [n, channels, h, w]);
}

/** The larger of two lines whose slopes and offsets follow from the map's means (`layers/dyrelu.py`). */
export function dynamicRelu(s: Scope, channels: number): Layer {
  const squeeze = linear(s.at("fc.0"), channels, channels / 4);
  const widen = linear(s.at("fc.2"), channels / 4, 4 * channels);
  return s.layer((x) => {
    const means = reshape(mean(x, [2, 3]), [x.shape[0]!, channels]);
    const all = reshape(hardSigmoid(widen(relu(squeeze(means)))), [x.shape[0]!, 4 * channels, 1, 1]);
    const part = (i: number) => slice(all, { axis: 1, start: i * channels, end: (i + 1) * channels });
    const first = add(multiply(x, multiply(part(0), 2)), subtract(part(1), 0.5));
    const second = add(multiply(x, subtract(multiply(part(2), 2), 1)), subtract(part(3), 0.5));
    return maximum(first, second);
  });
}
