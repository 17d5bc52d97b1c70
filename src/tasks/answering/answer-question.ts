/** The answer of a model to a question about a picture. */

import { levelsOf } from "../../boxes/anchors.ts";
import type { GlipV2 } from "../../models/glip-v2/glip-v2.ts";
import { input, sigmoid } from "../../tensor/index.ts";
import type { PartRunner } from "../parts/part-runner.ts";

/** A picture's maps before fusion and its padded size, and the vectors [tokens,d] of a question. */
export interface PictureAndQuestion {
  readonly maps: readonly Float32Array[];
  readonly height: number;
  readonly width: number;
  readonly vectors: Float32Array;
  readonly tokens: number;
}

/** Probabilities of the model's answers, each on its own. The model must have an answer head. */
export async function answerScores(model: GlipV2, parts: PartRunner, seen: PictureAndQuestion): Promise<Float32Array> {
  const { height, width, tokens } = seen;
  const build = () => {
    const maps = levelsOf(height, width).map((size, i) =>
      input(`map.${i}`, [1, model.channels, size.height, size.width]),
    );
    const words = input("vectors", [1, tokens, model.textWidth]);
    return { scores: sigmoid(model.answering!(model.tower.both(maps, words, input("mask", [1, tokens])).words)) };
  };
  const maps = Object.fromEntries(seen.maps.map((map, i) => [`map.${i}`, map]));
  const feeds = { ...maps, vectors: seen.vectors, mask: new Float32Array(tokens).fill(1) };
  const { scores } = await parts.run(`answer question ${height} ${width} ${tokens}`, build, feeds);
  return scores as Float32Array;
}
