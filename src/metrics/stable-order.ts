/** Stable sorting of indices by columns: the order of ties affects the printed digits. */

/** The indices 0, 1, …, length − 1. */
export function positions(length: number): Int32Array {
  const order = new Int32Array(length);
  for (let position = 0; position < length; position++) order[position] = position;
  return order;
}

/** The values of a column at some rows. A loop, because `from` with a function uses an iterator and is ten times slower. */
export function column(rows: Int32Array, valueAt: (row: number) => number): Float64Array {
  const values = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) values[i] = valueAt(rows[i]!);
  return values;
}

/**
 * Sorts indices by descending score; equal scores keep the given order (−0 equals 0). A radix sort over the bits of the doubles: four
 * passes, no comparisons.
 */
export function byDescendingScore(order: Int32Array, scores: Float64Array): Int32Array {
  const negated = new Float64Array(order.length);
  for (let i = 0; i < order.length; i++) negated[i] = 0 - scores[order[i]!]!;
  const bits = new Uint32Array(negated.buffer);
  for (let high = 1; high < bits.length; high += 2) {
    // Inverts bits so that unsigned integers ascend as the negated scores do.
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
    ranks = countingSort(ranks, bits, { stride: 2, offset: word, shift, mask: 0xffff, keys: 0x10000 });
  }
  return ranks.map((rank) => order[rank]!);
}

/** Sorts indices by an ascending group number in [0, groups), keeping the given order within a group. */
export function byGroup(order: Int32Array, group: Int32Array, groups: number): Int32Array {
  return countingSort(order, group, { stride: 1, offset: 0, shift: 0, mask: 0x7fffffff, keys: groups });
}

interface Digit {
  stride: number;
  offset: number;
  shift: number;
  mask: number;
  /** The number of its values. */
  keys: number;
}

/** The digit of position p is `(words[stride · p + offset] >>> shift) & mask`. */
function countingSort(order: Int32Array, words: Uint32Array | Int32Array, digit: Digit): Int32Array {
  const { stride, offset, shift, mask, keys } = digit;
  const next = new Int32Array(keys + 1);
  for (let i = 0; i < order.length; i++) next[((words[stride * order[i]! + offset]! >>> shift) & mask) + 1]!++;
  for (let k = 0; k < keys; k++) next[k + 1]! += next[k]!;
  const sorted = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) {
    const position = order[i]!;
    sorted[next[(words[stride * position + offset]! >>> shift) & mask]!++] = position;
  }
  return sorted;
}
