/** The published GLIP models and the small one of the tests (GLIP `configs/pretrain`). */

import type { GlipConfig } from "./glip.ts";

const bertBase = {
  hiddenSize: 768,
  layers: 12,
  heads: 12,
  intermediateSize: 3072,
  vocabularySize: 30522,
  positions: 512,
};
const swinTiny = { embedDim: 96, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24], window: 7, dropPathRate: 0.2 };
const swinLarge = { embedDim: 192, depths: [2, 2, 18, 2], heads: [6, 12, 24, 48], window: 12, dropPathRate: 0.4 };
const head = { channels: 256, groups: 16, maxTokens: 256 };
const fusion = { width: 2048, heads: 8 };

/** The published GLIPs, by model name. */
export const glipPresets = {
  /** GLIP-T (A): no deep fusion. */
  "glip-t-a": { backbone: swinTiny, bert: bertBase, ...head, steps: 6 },
  /** GLIP-T (B), (C) and GLIP-T: one architecture. */
  "glip-t": { backbone: swinTiny, bert: bertBase, ...head, steps: 6, fusion },
  "glip-l": { backbone: swinLarge, bert: bertBase, ...head, steps: 8, fusion },
  nano: {
    backbone: { embedDim: 24, depths: [2, 2, 2, 2], heads: [3, 6, 12, 24], window: 7, dropPathRate: 0 },
    bert: { hiddenSize: 64, layers: 2, heads: 4, intermediateSize: 256, vocabularySize: 988, positions: 512 },
    channels: 32,
    groups: 16,
    maxTokens: 256,
    steps: 2,
    fusion: { width: 128, heads: 8 },
  },
} as const satisfies Record<string, GlipConfig>;
