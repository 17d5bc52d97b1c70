/**
 * The smallest of many numbers, equals chosen as PyTorch chooses them on a CPU (`aten/src/ATen/native/TopKImpl.h`), whose order follows from
 * the standard library's partial_sort and nth_element. Reference assignments depend on it, since distances to a grid often are equal.
 */

interface Entry {
  readonly value: number;
  readonly index: number;
}

const below = (a: Entry, b: Entry) => a.value < b.value;

/** Indices of the `count` smallest numbers, in no order; all if there are not more. */
export function smallestIndices(numbers: ArrayLike<number>, count: number): number[] {
  const entries = Array.from(numbers, (value, index): Entry => ({ value, index }));
  const n = entries.length;
  if (n <= count) return entries.map(({ index }) => index);
  if (count * 64 <= n) selectByHeap(entries, 0, count, n);
  else selectByParts(entries, count - 1);
  return entries.slice(0, count).map(({ index }) => index);
}

/** Moves the smallest of [first,last) to [first,middle), through a heap with the largest of them on top. */
function selectByHeap(list: Entry[], first: number, middle: number, last: number): void {
  const length = middle - first;
  for (let parent = Math.floor((length - 2) / 2); parent >= 0; parent--)
    sift(list, first, parent, length, list[first + parent]!);
  for (let i = middle; i < last; i++) {
    const entry = list[i]!;
    if (!below(entry, list[first]!)) continue;
    list[i] = list[first]!;
    sift(list, first, 0, length, entry);
  }
}

/** Fills the hole of a heap from below down to a leaf, then lifts the entry to its place. */
function sift(list: Entry[], first: number, top: number, length: number, entry: Entry): void {
  let hole = top;
  let child = hole;
  while (child < Math.floor((length - 1) / 2)) {
    child = 2 * (child + 1);
    if (below(list[first + child]!, list[first + child - 1]!)) child--;
    list[first + hole] = list[first + child]!;
    hole = child;
  }
  if (length % 2 === 0 && child === (length - 2) / 2) {
    child = 2 * child + 1;
    list[first + hole] = list[first + child]!;
    hole = child;
  }
  for (let parent = (hole - 1) >> 1; hole > top && below(list[first + parent]!, entry); parent = (hole - 1) >> 1) {
    list[first + hole] = list[first + parent]!;
    hole = parent;
  }
  list[first + hole] = entry;
}

/** Moves the entries that sorting would put up to `nth` there, by partitions about medians of three. */
function selectByParts(list: Entry[], nth: number): void {
  let [first, last] = [0, list.length];
  let depth = 2 * Math.floor(Math.log2(list.length));
  while (last - first > 3) {
    if (depth-- === 0) {
      selectByHeap(list, first, nth + 1, last);
      return;
    }
    const cut = partition(list, first, last);
    if (cut <= nth) first = cut;
    else last = cut;
  }
  const rest = list.slice(first, last).sort((a, b) => a.value - b.value);
  list.splice(first, rest.length, ...rest);
}

function partition(list: Entry[], start: number, end: number): number {
  const swap = (a: number, b: number) => {
    [list[a], list[b]] = [list[b]!, list[a]!];
  };
  swap(start, medianOf(list, start + 1, start + ((end - start) >> 1), end - 1));
  const pivot = list[start]!;
  let [first, last] = [start + 1, end];
  while (true) {
    while (below(list[first]!, pivot)) first++;
    last--;
    while (below(pivot, list[last]!)) last--;
    if (first >= last) return first;
    swap(first, last);
    first++;
  }
}

/** The place of the median of three entries. */
function medianOf(list: readonly Entry[], a: number, b: number, c: number): number {
  const less = (i: number, j: number) => below(list[i]!, list[j]!);
  if (less(a, b)) return less(b, c) ? b : less(a, c) ? c : a;
  return less(a, c) ? a : less(b, c) ? c : b;
}
