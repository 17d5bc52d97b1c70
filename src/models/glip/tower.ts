/** The tower of GLIP's head: deep fusion of maps and words, a layer on the words, a layer on the maps, several times over (`rpn/vldyhead.py`). */

import type { Scope } from "../../nn/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import { type BertConfig, bertLayer, type NextToken, type Remembered } from "../parts/bert.ts";
import { dyConv } from "../parts/dyhead.ts";
import { biAttention } from "./bi-attention.ts";

export interface TowerConfig {
  readonly channels: number;
  readonly groups: number;
  readonly steps: number;
  readonly bert: BertConfig;
  /** Deep fusion; absent in GLIP-T (A). */
  readonly fusion?: { width: number; heads: number };
}

/** Maps at the five strides, and word vectors [n,l,d]. */
export interface Fused {
  readonly maps: readonly Tensor[];
  readonly words: Tensor;
}

/** Maps to maps, with words: in detection both read each other, in captions (GLIPv2, section 5.2) only the words read. */
export interface Tower {
  /** With the words' mask [n,l]. Without fusion the words stay as they are. */
  both(maps: readonly Tensor[], words: Tensor, mask: Tensor): Fused;
  /** The picture alone: its maps, and the positions that words read at each fusion [n,positions,c]. */
  see(maps: readonly Tensor[]): { maps: readonly Tensor[]; places: readonly Tensor[] };
  /** The words alone, with a mask [n,l] or [n,l,l]. */
  read(words: Tensor, mask: Tensor, places: readonly Tensor[]): Tensor;
  /** One more word [n,1,d]; see `throughLayers`. */
  step(word: Tensor, past: readonly Remembered[], mask: Tensor, places: readonly Tensor[]): NextToken;
}

/** `s` is the scope of the tower; `root` records intermediates under the reference's names. */
export function fusedTower(s: Scope, root: Scope, config: TowerConfig): Tower {
  const { channels, fusion, steps, bert } = config;
  const stride = fusion ? 3 : 1;
  const stages = Array.from({ length: steps }, (_, i) => {
    const at = stride * i;
    const fused = fusion && {
      fuse: biAttention(s.at(`${at}.b_attn`), { channels, textWidth: bert.hiddenSize, ...fusion, steps }),
      layer: bertLayer(s.at(at + 1), bert),
    };
    const name = `tower.${at + stride - 1}`;
    const convolve = dyConv(s.at(at + stride - 1), config);
    return {
      fused,
      at,
      convolve: (maps: readonly Tensor[]) =>
        convolve(maps, (part, value) => {
          root.record(`${name}.${part}`, value);
        }),
    };
  });
  const fusions = stages.flatMap(({ fused }) => fused ?? []);

  const both = (maps: readonly Tensor[], words: Tensor, mask: Tensor): Fused =>
    stages.reduce<Fused>(
      (now, { fused, at, convolve }) => {
        if (!fused) return { maps: convolve(now.maps), words: now.words };
        const next = fused.fuse(now.maps, now.words, mask);
        next.maps.forEach((map, i) => {
          root.record(`tower.${at}.fuse.v${i + 3}`, map);
        });
        root.record(`tower.${at}.fuse.l`, next.words);
        const read = root.record(`tower.${at + 1}.bert.l`, fused.layer(next.words, mask));
        return { maps: convolve(next.maps), words: read };
      },
      { maps, words },
    );

  return {
    both,
    see: (maps) => {
      const places: Tensor[] = [];
      const seen = stages.reduce<readonly Tensor[]>((now, { fused, convolve }) => {
        if (!fused) return convolve(now);
        const next = fused.fuse.see(now);
        places.push(next.places);
        return convolve(next.maps);
      }, maps);
      return { maps: seen, places };
    },
    read: (words, mask, places) =>
      fusions.reduce((now, { fuse, layer }, i) => layer(fuse.read(now, places[i]!), mask), words),
    step: (word, past, mask, places) => {
      let vectors = word;
      const remembered = fusions.map(({ fuse, layer }, i) => {
        const next = layer.step(fuse.read(vectors, places[i]!), past[i]!, mask);
        vectors = next.vectors;
        return next.remembered;
      });
      return { vectors, remembered };
    },
  };
}
