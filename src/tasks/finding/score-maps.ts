/** Maps of alignment scores: how well each place of a picture fits each name (GLIP, section 3.1). */

import { levelsOf } from "../../boxes/anchors.ts";
import type { LevelOutputs } from "../../boxes/select.ts";
import type { Prompt } from "../../inputs/words/prompts.ts";
import type { CachedPicture } from "./feature-cache.ts";
import type { Detectors } from "./find-in-picture.ts";

/** The scores of a name on a grid over the picture. */
export interface ScoreMap {
  label: string;
  /** Cells of the grid, each of 8 × 8 pixels of the resized picture. */
  width: number;
  height: number;
  /** The fraction of the grid that is picture; the rest is padding. */
  covered: { x: number; y: number };
  /** 0 to 1, row by row [height, width]: the largest score of the levels, the mean over the name's tokens. */
  scores: Float32Array;
}

/** A map for each label of a prompt. The companion has none. */
export async function scoreMaps(
  { predictor, features }: Detectors,
  { seen, prompt }: { seen: CachedPicture; prompt: Prompt },
): Promise<ScoreMap[]> {
  const { height, width } = seen.features;
  const sizes = levelsOf(height, width);
  const [{ height: rows, width: columns }] = sizes as [(typeof sizes)[number]];
  const { model } = seen.picture.images;
  const covered = { x: model.width / width, y: model.height / height };
  const empty = () => new Float32Array(rows * columns);
  const maps = prompt.labels.map((label) => ({ label, width: columns, height: rows, covered, scores: empty() }));
  for (const pass of prompt.passes) {
    const levels = await predictor.answer(seen.features, await features.ofCaption(pass));
    pass.labelTokens.forEach((tokens, k) => {
      const { scores } = maps[pass.classes[k]!]!;
      levels.forEach((level, i) => {
        addLevel(scores, { columns, rows }, { level, width: sizes[i]!.width, tokens, step: 2 ** i });
      });
    });
  }
  return maps;
}

/** Raises the scores of a grid to those of a level whose cells are `step` times as large. */
function addLevel(
  scores: Float32Array,
  { columns, rows }: { columns: number; rows: number },
  { level, width, tokens, step }: { level: LevelOutputs; width: number; tokens: readonly number[]; step: number },
): void {
  const perAnchor = level.logits.length / level.centerness.length;
  const own = Float32Array.from(level.centerness, (_, anchor) => {
    const sum = tokens.reduce((all, token) => all + 1 / (1 + Math.exp(-level.logits[anchor * perAnchor + token]!)), 0);
    return sum / tokens.length;
  });
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const score = own[Math.floor(y / step) * width + Math.floor(x / step)]!;
      const at = y * columns + x;
      if (score > scores[at]!) scores[at] = score;
    }
}
