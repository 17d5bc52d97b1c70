/** CLIP's ResNet: a stem of three convolutions, and average pooling instead of strides. Source: OpenAI `clip/model.py`, ModifiedResNet. */

import { type Scope, zeros } from "../../nn/index.ts";
import { add, averagePool, relu, type Tensor } from "../../tensor/index.ts";
import type { NormedConvolution } from "./normed-convolution.ts";

export interface ModifiedResNetConfig {
  /** Residual blocks of the four stages. */
  readonly blocks: readonly [number, number, number, number];
  /** Channels after the stem; the stages have 4, 8, 16 and 32 times as many. */
  readonly width: number;
}

/** A stage by its number, 1 to 4. */
export type Stage = 1 | 2 | 3 | 4;

/** The stride of a stage's maps. */
export const STAGE_STRIDES = { 1: 4, 2: 8, 3: 16, 4: 32 } as const;

/** Output channels of a stage. */
export function stageChannels({ width }: Pick<ModifiedResNetConfig, "width">, stage: Stage): number {
  return width * 2 ** (stage + 1);
}

/** The stem, from a picture [n,3,h,w] to a map [n,width,h/4,w/4], and the four stages after it, to be called in order. */
export function modifiedResNet(s: Scope, config: ModifiedResNetConfig, normed: NormedConvolution) {
  const { width, blocks } = config;
  const half = width / 2;
  const first = normed(s.at("conv1"), s.at("bn1"), { inputs: 3, outputs: half, kernel: 3, stride: 2 });
  const second = normed(s.at("conv2"), s.at("bn2"), { inputs: half, outputs: half, kernel: 3 });
  const third = normed(s.at("conv3"), s.at("bn3"), { inputs: half, outputs: width, kernel: 3 });
  const stages = blocks.map((count, i) => {
    const planes = width * 2 ** i;
    return Array.from({ length: count }, (_, j) => {
      const inputs = j > 0 ? 4 * planes : i > 0 ? 2 * planes : width;
      return bottleneck(s.at(`layer${i + 1}.${j}`), { inputs, planes, stride: i > 0 && j === 0 ? 2 : 1 }, normed);
    });
  });

  const stem = s.layer((picture: Tensor): Tensor => {
    const x = relu(third(relu(second(relu(first(picture))))));
    return s.record(s.at("stem").path, averagePool(x, { kernel: 2 }));
  });
  const stage = (number: Stage, map: Tensor): Tensor =>
    stages[number - 1]!.reduce((x, block, j) => s.record(s.at(`layer${number}.${j}`).path, block(x)), map);
  return { stem, stage };
}

interface BottleneckSizes {
  inputs: number;
  planes: number;
  stride: 1 | 2;
}

/** A residual block that downsamples by average pooling, after its 3×3 convolution and before the convolution of its shortcut. */
function bottleneck(s: Scope, { inputs, planes, stride }: BottleneckSizes, normed: NormedConvolution) {
  const outputs = 4 * planes;
  const narrow = normed(s.at("conv1"), s.at("bn1"), { inputs, outputs: planes, kernel: 1 });
  const spread = normed(s.at("conv2"), s.at("bn2"), { inputs: planes, outputs: planes, kernel: 3 });
  const widen = normed(s.at("conv3"), s.at("bn3"), { inputs: planes, outputs, kernel: 1, scale: zeros });
  const shortcut =
    stride > 1 || inputs !== outputs
      ? normed(s.at("downsample.0"), s.at("downsample.1"), { inputs, outputs, kernel: 1 })
      : undefined;
  const shrunk = (x: Tensor) => (stride > 1 ? averagePool(x, { kernel: stride }) : x);

  return s.layer((x: Tensor): Tensor => {
    const y = widen(shrunk(relu(spread(relu(narrow(x))))));
    return relu(add(y, shortcut ? shortcut(shrunk(x)) : x));
  });
}
