/**
 * Matches detections with objects, one (category, image) pair at a time, for all overlap thresholds and area ranges together. The rules are
 * those of cocodataset/cocoapi `cocoeval.py`; LVIS differs only in its columns.
 */
import { byDescendingScore, byGroup, positions } from "./stable-order.ts";

/** `.5:.05:.95` as `start + i·step` in doubles: the ninth is 0.8999999999999999. */
export const overlapThresholds = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95] as const;

/** Area ranges in square pixels, both ends inclusive. */
export const areaRanges = [
  { name: "all", low: 0, high: 1e10 },
  { name: "small", low: 0, high: 1024 },
  { name: "medium", low: 1024, high: 9216 },
  { name: "large", low: 9216, high: 1e10 },
] as const;

/** Objects or detections as columns; `category` and `image` are indices into the lists of the problem. */
export interface RegionColumns {
  category: Int32Array;
  image: Int32Array;
  area: Float64Array;
}

/** Objects as columns. */
export interface ObjectColumns extends RegionColumns {
  /** Annotation ids; a match is stored as the id and tested for being non-zero, as in the original. */
  id: Float64Array;
  /** 1: can be matched many times, and the overlap is relative to the detection's area. */
  crowd: Uint8Array;
  /** 1: neither a hit nor a miss, in every area range. */
  ignored: Uint8Array;
}

/** Detections as columns. */
export interface DetectionColumns extends RegionColumns {
  score: Float64Array;
  /** Index of the detection in the caller's list. */
  position: Int32Array;
  /** 1: not a false positive if it matches nothing. */
  forgiven: Uint8Array;
}

/** Objects and detections of a dataset as columns. */
export interface MatchingProblem {
  images: number;
  categories: number;
  objects: ObjectColumns;
  detections: DetectionColumns;
  /** Overlap of a detection (row) and an object (row). */
  overlap: (detection: number, object: number) => number;
  /** Maximum number of detections per pair. */
  limit: number;
}

/** The data of one category in one image: ranges in `objectOrder` and in the ranked detections ("slots"). */
export interface Pair {
  category: number;
  image: number;
  objectStart: number;
  objectEnd: number;
  slotStart: number;
  slotEnd: number;
}

/** All pairs of a category and an image that are not empty. */
export interface Pairs {
  list: Pair[];
  /** Objects by category, image, file order. */
  objectOrder: Int32Array;
  /** Detections by category, image, descending score, given order. */
  slots: Int32Array;
  /** Rank of each slot within its pair. */
  ranks: Int32Array;
}

/** Sorts objects and detections into pairs, and limits the detections of each pair. */
export function pairUp(problem: MatchingProblem): Pairs {
  const { objects, detections, images, categories } = problem;
  const sortedObjects = byGroup(positions(objects.image.length), objects.image, images);
  const objectOrder = byGroup(sortedObjects, objects.category, categories);
  const ranked = byDescendingScore(positions(detections.image.length), detections.score);
  const allSlots = byGroup(byGroup(ranked, detections.image, images), detections.category, categories);

  const key = (columns: RegionColumns, row: number) => columns.category[row]! * images + columns.image[row]!;
  const list: Pair[] = [];
  const slots = new Int32Array(allSlots.length);
  const ranks = new Int32Array(allSlots.length);
  let object = 0;
  let candidate = 0;
  let slot = 0;
  while (object < objectOrder.length || candidate < allSlots.length) {
    const objectKey = object < objectOrder.length ? key(objects, objectOrder[object]!) : Infinity;
    const slotKey = candidate < allSlots.length ? key(detections, allSlots[candidate]!) : Infinity;
    const current = Math.min(objectKey, slotKey);
    const pair = {
      category: Math.floor(current / images),
      image: current % images,
      objectStart: object,
      objectEnd: object,
      slotStart: slot,
      slotEnd: slot,
    };
    while (object < objectOrder.length && key(objects, objectOrder[object]!) === current) object++;
    for (let rank = 0; candidate < allSlots.length && key(detections, allSlots[candidate]!) === current; rank++) {
      if (rank < problem.limit) {
        slots[slot] = allSlots[candidate]!;
        ranks[slot++] = rank;
      }
      candidate++;
    }
    pair.objectEnd = object;
    pair.slotEnd = slot;
    list.push(pair);
  }
  return { list, objectOrder, slots: slots.subarray(0, slot), ranks: ranks.subarray(0, slot) };
}

/** The result of a matcher for its last pair and area range. */
export interface Matcher {
  /** Computes the overlaps of a pair once. */
  open(pair: Pair): void;
  /** Matches the current pair in one area range. */
  match(area: number): void;
  /** Whether a detection of the current pair has too little overlap with every object to be matched. */
  isAlone(detection: number): boolean;
  /** [threshold · detections + detection]: index among the pair's objects, or −1. */
  readonly assigned: Int32Array;
  /** [object of the pair]: whether it is ignored in the area range. */
  readonly ignored: Uint8Array;
}

/**
 * Each detection, best score first, is matched with the free object of largest overlap at or above the threshold; of equal overlaps, the
 * later object. Ignored objects are used only if there is no other; crowds can be matched any number of times.
 */
export function createMatcher(problem: MatchingProblem, pairs: Pairs): Matcher {
  const { objects } = problem;
  const thresholds = overlapThresholds.length;
  const mostDetections = pairs.list.reduce((most, pair) => Math.max(most, pair.slotEnd - pair.slotStart), 0);
  const mostObjects = pairs.list.reduce((most, pair) => Math.max(most, pair.objectEnd - pair.objectStart), 0);
  const assigned = new Int32Array(mostDetections * thresholds);
  const ignored = new Uint8Array(mostObjects);
  const taken = new Uint16Array(mostObjects);
  const candidates: Candidates = {
    start: new Int32Array(mostDetections + 1),
    objects: new Int32Array(1024),
    overlaps: new Float64Array(1024),
  };
  let current: Pair = { category: 0, image: 0, objectStart: 0, objectEnd: 0, slotStart: 0, slotEnd: 0 };

  function open(pair: Pair): void {
    current = pair;
    findCandidates(candidates, problem, pairs, pair);
  }

  function isAlone(detection: number): boolean {
    return candidates.start[detection] === candidates.start[detection + 1];
  }

  /** The best free candidate among the ignored or the other objects. */
  function best(detection: number, threshold: number, amongIgnored: number): number {
    const { start, objects, overlaps } = candidates;
    let highest: number = overlapThresholds[threshold]!;
    let found = -1;
    for (let c = start[detection]!; c < start[detection + 1]!; c++) {
      const object = objects[c]!;
      if (ignored[object] !== amongIgnored || (taken[object]! >> threshold) & 1 || overlaps[c]! < highest) continue;
      highest = overlaps[c]!;
      found = object;
    }
    return found;
  }

  function match(area: number): void {
    const { low, high } = areaRanges[area]!;
    const detectionCount = current.slotEnd - current.slotStart;
    for (let place = current.objectStart; place < current.objectEnd; place++) {
      const object = pairs.objectOrder[place]!;
      const inside = objects.area[object]! >= low && objects.area[object]! <= high;
      ignored[place - current.objectStart] = objects.ignored[object] || !inside ? 1 : 0;
      taken[place - current.objectStart] = 0;
    }
    for (let detection = 0; detection < detectionCount; detection++) {
      const hasCandidates = !isAlone(detection);
      for (let threshold = 0; threshold < thresholds; threshold++) {
        let found = -1;
        if (hasCandidates) {
          found = best(detection, threshold, 0);
          if (found < 0) found = best(detection, threshold, 1);
          if (found >= 0 && !objects.crowd[pairs.objectOrder[current.objectStart + found]!])
            taken[found]! |= 1 << threshold;
        }
        assigned[threshold * detectionCount + detection] = found;
      }
    }
  }

  return { open, match, isAlone, assigned, ignored };
}

/** The objects that overlap each detection of a pair by the lowest threshold or more, in file order. */
interface Candidates {
  /** [detections + 1]: where the candidates of a detection start. */
  readonly start: Int32Array;
  /** Indices among the pair's objects, and their overlaps. */
  objects: Int32Array;
  overlaps: Float64Array;
}

/** Finds the candidates of a pair; the arrays are enlarged where needed. */
function findCandidates(candidates: Candidates, { overlap }: MatchingProblem, pairs: Pairs, pair: Pair): void {
  const { slotStart, slotEnd, objectStart, objectEnd } = pair;
  let count = 0;
  for (let slot = slotStart; slot < slotEnd; slot++) {
    candidates.start[slot - slotStart] = count;
    const most = count + objectEnd - objectStart;
    if (most > candidates.objects.length) {
      candidates.objects = enlarged(candidates.objects, new Int32Array(2 * most));
      candidates.overlaps = enlarged(candidates.overlaps, new Float64Array(2 * most));
    }
    const { objects, overlaps } = candidates;
    for (let place = objectStart; place < objectEnd; place++) {
      const value = overlap(pairs.slots[slot]!, pairs.objectOrder[place]!);
      if (value < overlapThresholds[0]) continue;
      objects[count] = place - objectStart;
      overlaps[count++] = value;
    }
  }
  candidates.start[slotEnd - slotStart] = count;
}

function enlarged<Numbers extends Int32Array | Float64Array>(numbers: Numbers, larger: Numbers): Numbers {
  larger.set(numbers);
  return larger;
}

/** Whether a detection counts neither as a hit nor as a false positive, given its matched object (−1: none). */
export function isDetectionIgnored(
  problem: MatchingProblem,
  detection: number,
  area: number,
  taken: { id: number; ignored: number } | undefined,
): boolean {
  if (taken?.ignored) return true;
  if (taken && taken.id !== 0) return false;
  const size = problem.detections.area[detection]!;
  return size < areaRanges[area]!.low || size > areaRanges[area]!.high || problem.detections.forgiven[detection] === 1;
}
