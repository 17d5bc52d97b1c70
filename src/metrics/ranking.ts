/** Scores of ranked lists: classification (top-k) and retrieval (recall at k) by similarity. */

import type { WeightedScore } from "./bootstrap.ts";

/** Rank of an entry, from 0: entries with a higher score, and earlier ones with the same score, are before it. */
export function rankOf(scores: ArrayLike<number>, own: number): number {
  let rank = 0;
  for (let i = 0; i < scores.length; i++)
    if (scores[i]! > scores[own]! || (scores[i] === scores[own] && i < own)) rank++;
  return rank;
}

/** Things to rank, each of a photo; the metric counts those with a rank below k. */
export interface Ranks {
  /** By the name of the metric: ranks, the photo of each, and k. */
  readonly [metric: string]: {
    readonly ranks: readonly number[];
    readonly photos: readonly number[];
    readonly k: number;
  };
}

/** The share of ranks below k for each metric, with photos counted by their weights; −1 if nothing counts. */
export function weightedRanks(metrics: Ranks): WeightedScore {
  return (weights) =>
    Object.fromEntries(
      Object.entries(metrics).map(([name, { ranks, photos, k }]) => {
        let [hits, total] = [0, 0];
        ranks.forEach((rank, i) => {
          const weight = weights[photos[i]!]!;
          total += weight;
          if (rank < k) hits += weight;
        });
        return [name, total === 0 ? -1 : hits / total];
      }),
    );
}

/** Top-1 and top-5 accuracy, given the rank of each photo's class. */
export function topRanks(ranks: readonly number[]): Ranks {
  const photos = ranks.map((_, i) => i);
  return { "top-1": { ranks, photos, k: 1 }, "top-5": { ranks, photos, k: 5 } };
}

/**
 * Recall at 1, 5 and 10 of captions by photo (a hit is any of its own captions) and of photos by caption, as in CLIP's paper.
 * `similarity` has the photos as rows and the captions as columns; `owners` is the photo of each caption.
 */
export function retrievalRanks(similarity: readonly ArrayLike<number>[], owners: readonly number[]): Ranks {
  const own = similarity.map((): number[] => []);
  owners.forEach((photo, caption) => {
    own[photo]!.push(caption);
  });
  const ofPhotos = similarity.map((row, photo) => Math.min(...own[photo]!.map((caption) => rankOf(row, caption))));
  const ofCaptions = owners.map((photo, caption) =>
    rankOf(
      similarity.map((row) => row[caption]!),
      photo,
    ),
  );
  const each = similarity.map((_, photo) => photo);
  const rows = [1, 5, 10].flatMap((k) => [
    [`image to text R@${k}`, { ranks: ofPhotos, photos: each, k }] as const,
    [`text to image R@${k}`, { ranks: ofCaptions, photos: owners, k }] as const,
  ]);
  return Object.fromEntries(rows.sort(([a], [b]) => Number(b.startsWith("image")) - Number(a.startsWith("image"))));
}
