/**
 * The ResNet of detectron2 (He et al. 2016, as in Caffe): the stride of a block is in its first convolution. Source: detectron2
 * `modeling/backbone/resnet.py`.
 */

import type { Scope } from "../../nn/index.ts";
import { add, maxPool, relu, type Tensor } from "../../tensor/index.ts";
import type { NormedConvolution } from "./normed-convolution.ts";

export interface ResNetConfig {
  /** Channels after the stem. */
  readonly stem: number;
  /** Output channels of the first stage; each stage doubles them. */
  readonly channels: number;
  /** Blocks of each stage, three or four. */
  readonly blocks: readonly number[];
}

/** Pictures [n,3,h,w] to the maps of the stages, at strides 4, 8, 16 and possibly 32; each is recorded as `NAME.res2` and so on. */
export function resnet(s: Scope, { stem, channels, blocks }: ResNetConfig, normed: NormedConvolution, name: string) {
  const at = s.at("stem.conv1");
  const first = normed(at, at.at("norm"), { inputs: 3, outputs: stem, kernel: 7, stride: 2 });
  const stages = blocks.map((count, i) => {
    const outputs = channels * 2 ** i;
    return Array.from({ length: count }, (_, j) => {
      const inputs = j > 0 ? outputs : i > 0 ? outputs / 2 : stem;
      return block(s.at(`res${i + 2}.${j}`), { inputs, outputs, stride: i > 0 && j === 0 ? 2 : 1 }, normed);
    });
  });
  return s.layer((pictures: Tensor): Tensor[] => {
    let x = s.record(`${name}.stem`, maxPool(relu(first(pictures)), { kernel: 3, stride: 2, padding: 1 }));
    return stages.map((stage, i) => {
      x = s.record(
        `${name}.res${i + 2}`,
        stage.reduce((map, one) => one(map), x),
      );
      return x;
    });
  });
}

interface BlockSizes {
  inputs: number;
  outputs: number;
  stride: 1 | 2;
}

function block(s: Scope, { inputs, outputs, stride }: BlockSizes, normed: NormedConvolution) {
  const planes = outputs / 4;
  const part = (name: string, options: Parameters<NormedConvolution>[2]) =>
    normed(s.at(name), s.at(name).at("norm"), options);
  const shortcut = inputs === outputs ? undefined : part("shortcut", { inputs, outputs, kernel: 1, stride });
  const narrow = part("conv1", { inputs, outputs: planes, kernel: 1, stride });
  const spread = part("conv2", { inputs: planes, outputs: planes, kernel: 3 });
  const widen = part("conv3", { inputs: planes, outputs, kernel: 1 });
  return s.layer((x: Tensor): Tensor => {
    const y = widen(relu(spread(relu(narrow(x)))));
    return relu(add(y, shortcut ? shortcut(x) : x));
  });
}
