/** Feature pyramid (Lin et al. 2017) with two more levels from the coarsest, as GLIP's `backbone/fpn.py`. */

import { convolutionLayer, extent, kaimingUniform, type Scope, zeros } from "../../nn/index.ts";
import { add, dropBlock, relu, resizeNearest, type Tensor } from "../../tensor/index.ts";

export interface FpnConfig {
  /** Channels of the three input maps. */
  inputs: readonly [number, number, number];
  channels: number;
}

const DROP_BLOCK = { rate: 0.3, size: 3 };

/** Maps at strides 8, 16, 32 to maps at strides 8 to 128. */
export function fpn(s: Scope, { inputs, channels }: FpnConfig) {
  const first = { weight: kaimingUniform, bias: zeros };
  const inner = inputs.map((from, i) =>
    convolutionLayer(s.at(`fpn_inner${i + 2}`), from, channels, { kernel: 1, ...first }),
  );
  const layer = inputs.map((_, i) =>
    convolutionLayer(s.at(`fpn_layer${i + 2}`), channels, channels, { kernel: 3, padding: 1, ...first }),
  );
  const coarser = { kernel: 3, stride: 2, padding: 1, ...first };
  const p6 = convolutionLayer(s.at("top_blocks.p6"), channels, channels, coarser);
  const p7 = convolutionLayer(s.at("top_blocks.p7"), channels, channels, coarser);

  return s.layer((maps: readonly Tensor[]): Tensor[] => {
    const [c3, c4, c5] = maps as readonly [Tensor, Tensor, Tensor];
    const l5 = inner[2]!(c5);
    const side4 = inner[1]!(c4);
    const l4 = add(side4, resizeNearest(l5, extent(side4)));
    const side3 = inner[0]!(c3);
    const l3 = add(side3, resizeNearest(l4, extent(side3)));
    const drop = (x: Tensor) => dropBlock(x, DROP_BLOCK.rate, DROP_BLOCK.size);
    const m5 = layer[2]!(l5);
    const m6 = p6(m5);
    const out = [layer[0]!(drop(l3)), layer[1]!(drop(l4)), m5, m6, p7(relu(m6))];
    out.forEach((map, i) => {
      s.record(`fpn.p${i + 3}`, map);
    });
    return out;
  });
}
