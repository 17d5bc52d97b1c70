/** Stable orderings of positions over columns: the ties of a ranking decide printed digits, so no unstable sort is used. */

/** The positions 0, 1, …, length − 1. */
export function positions(length: number): Int32Array {
  return Int32Array.from({ length }, (_, position) => position);
}

/**
 * Sorts positions by descending score, keeping the given order among equal scores (−0 equals 0).
 * A radix sort over the bits of the doubles: four passes, no comparisons.
 */
export function byDescendingScore(order: Int32Array, scores: Float64Array): Int32Array {
  const bits = new Uint32Array(Float64Array.from(order, (position) => -scores[position]! + 0).buffer);
  for (let high = 1; high < bits.length; high += 2) {
    // Flip so that unsigned integers ascend as the negated scores do.
    if (bits[high]! >>> 31) {
      bits[high] = ~bits[high]!;
      bits[high - 1] = ~bits[high - 1]!;
    } else bits[high] = bits[high]! | 0x80000000;
  }
  let ranks = positions(order.length);
  for (const [word, shift] of [
    [0, 0],
    [0, 16],
    [1, 0],
    [1, 16],
  ] as const) {
    ranks = countingSort(ranks, (rank) => (bits[2 * rank + word]! >>> shift) & 0xffff, 0x10000);
  }
  return ranks.map((rank) => order[rank]!);
}

/** Sorts positions by an ascending group number in [0, groups), keeping the given order within a group. */
export function byGroup(order: Int32Array, group: Int32Array, groups: number): Int32Array {
  return countingSort(order, (position) => group[position]!, groups);
}

function countingSort(order: Int32Array, key: (position: number) => number, keys: number): Int32Array {
  const next = new Int32Array(keys + 1);
  for (let i = 0; i < order.length; i++) next[key(order[i]!) + 1]!++;
  for (let k = 0; k < keys; k++) next[k + 1]! += next[k]!;
  const sorted = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) sorted[next[key(order[i]!)]!++] = order[i]!;
  return sorted;
}
