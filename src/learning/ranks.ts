/** Processes that train one model together: each computes its part of a batch, and all make the same step. */

/** This process among the others. Every method must be called by all ranks, in the same order. */
export interface Ranks {
  /** Number of this process, from 0. */
  readonly rank: number;
  readonly count: number;
  /** The numbers of every rank, in the order of the ranks; each gives as many. Throws Interrupted if other ranks have ended. */
  gather(numbers: Float64Array): Promise<Float64Array[]>;
  /** Replaces the numbers by their sums over all ranks, added in the order in which shards are. Throws Interrupted as `gather`. */
  sum(numbers: Float32Array): Promise<void>;
}

/** The indices of the shards that a rank computes: equal blocks in order. */
export function shardsOfRank(
  shards: number,
  { rank, count }: Pick<Ranks, "rank" | "count">,
): [start: number, end: number] {
  return [(rank * shards) / count, ((rank + 1) * shards) / count];
}

/** Replaces all arrays by their sums over the ranks. */
export async function sumOverRanks(ranks: Ranks, arrays: readonly Float32Array[]): Promise<void> {
  const flat = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    flat.set(array, at);
    at += array.length;
  }
  await ranks.sum(flat);
  at = 0;
  for (const array of arrays) {
    array.set(flat.subarray(at, at + array.length));
    at += array.length;
  }
}
