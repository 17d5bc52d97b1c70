/** Masks as run lengths down the columns, zeros first: the arithmetic of cocodataset/cocoapi `maskApi.c`. */
import { InputError } from "../../errors.ts";

export interface RunLengths {
  height: number;
  width: number;
  /** Lengths of alternating runs of zeros and ones; the first may be 0. */
  counts: Uint32Array;
}

/** A mask [height,width] of zeros and ones, row by row, as run lengths. */
export function runsOf(pixels: Uint8Array, { height, width }: { height: number; width: number }): RunLengths {
  const counts: number[] = [];
  let [run, value] = [0, 0];
  for (let x = 0; x < width; x++)
    for (let y = 0; y < height; y++) {
      const pixel = pixels[y * width + x]!;
      if (pixel !== value) {
        counts.push(run);
        [run, value] = [0, pixel];
      }
      run++;
    }
  counts.push(run);
  return { height, width, counts: Uint32Array.from(counts) };
}

/** Number of pixels that are set. */
export function maskArea(mask: RunLengths): number {
  let area = 0;
  for (let run = 1; run < mask.counts.length; run += 2) area += mask.counts[run]!;
  return area;
}

/**
 * The smallest box around the pixels that are set, as x, y, width, height; zeros for an empty mask. A run over a column's end has the full
 * height.
 */
export function maskBoxXywh(mask: RunLengths): [number, number, number, number] {
  const { height, width, counts } = mask;
  const runs = counts.length - (counts.length % 2);
  if (runs === 0) return [0, 0, 0, 0];
  let [left, top, right, bottom] = [width, height, 0, 0];
  let end = 0;
  let startColumn = 0;
  for (let run = 0; run < runs; run++) {
    end += counts[run]!;
    const pixel = run % 2 ? (end - 1) >>> 0 : end;
    const row = pixel % height;
    const column = (pixel - row) / height;
    if (run % 2 === 0) startColumn = column;
    else if (startColumn < column) {
      top = 0;
      bottom = height - 1;
    }
    left = Math.min(left, column);
    right = Math.max(right, column);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row);
  }
  return [left, top, right - left + 1, bottom - top + 1];
}

/** Goes through the runs of two masks together: calls `visit(length, inFirst, inSecond)` for each stretch in which neither changes. */
function walk(
  first: Uint32Array,
  second: Uint32Array,
  visit: (length: number, inFirst: boolean, inSecond: boolean) => void,
): void {
  let leftOfFirst = first[0] ?? 0;
  let leftOfSecond = second[0] ?? 0;
  let [a, b] = [1, 1];
  let [inFirst, inSecond] = [false, false];
  let left = 1;
  while (left > 0) {
    const length = Math.min(leftOfFirst, leftOfSecond);
    visit(length, inFirst, inSecond);
    leftOfFirst -= length;
    if (leftOfFirst === 0 && a < first.length) {
      leftOfFirst = first[a++]!;
      inFirst = !inFirst;
    }
    leftOfSecond -= length;
    if (leftOfSecond === 0 && b < second.length) {
      leftOfSecond = second[b++]!;
      inSecond = !inSecond;
    }
    left = leftOfFirst + leftOfSecond;
  }
}

/**
 * Intersection over union (for a crowd: intersection over the first's area); −1 for masks of different sizes. Called only for overlapping
 * boxes.
 */
export function maskOverlap(first: RunLengths, second: RunLengths, crowd: boolean): number {
  if (first.height !== second.height || first.width !== second.width) return -1;
  let intersection = 0;
  let union = 0;
  walk(first.counts, second.counts, (length, inFirst, inSecond) => {
    if (inFirst || inSecond) union += length;
    if (inFirst && inSecond) intersection += length;
  });
  if (intersection === 0) return 0;
  return intersection / (crowd ? maskArea(first) : union);
}

/** Number of pixels that are set in both of two masks of one size. @throws InputError that names the sizes where they differ. */
export function overlapAreas(first: RunLengths, second: RunLengths): number {
  if (first.height !== second.height || first.width !== second.width)
    throw new InputError(
      `masks of ${first.width} × ${first.height} and ${second.width} × ${second.height} pixels cannot be compared; give both the picture's size`,
    );
  let intersection = 0;
  walk(first.counts, second.counts, (length, inFirst, inSecond) => {
    if (inFirst && inSecond) intersection += length;
  });
  return intersection;
}

/** The union of the masks; an empty mask of size 0 if their sizes differ or there are none. */
export function uniteMasks(masks: readonly RunLengths[]): RunLengths {
  const [first, ...rest] = masks;
  const differs = rest.some((mask) => mask.height !== first?.height || mask.width !== first.width);
  if (!first || differs) return { height: 0, width: 0, counts: new Uint32Array(0) };
  // Joined by halves: one after another, many parts would take quadratic time.
  let left = [...masks];
  while (left.length > 1)
    left = Array.from({ length: Math.ceil(left.length / 2) }, (_, i) => {
      const [one, other] = [left[2 * i]!, left[2 * i + 1]];
      return other ? unite(one, other) : one;
    });
  return left[0]!;
}

function unite({ height, width, counts: first }: RunLengths, { counts: second }: RunLengths): RunLengths {
  const counts: number[] = [];
  let [run, inside] = [0, false];
  walk(first, second, (length, inFirst, inSecond) => {
    if ((inFirst || inSecond) !== inside) {
      counts.push(run);
      run = 0;
      inside = !inside;
    }
    run += length;
  });
  counts.push(run);
  return { height, width, counts: Uint32Array.from(counts) };
}

/** Pixels [height,width], row by row, as run lengths; any number but 0 is set. */
export function runLengthsOf(pixels: ArrayLike<number>, height: number, width: number): RunLengths {
  const counts: number[] = [];
  let [run, inside] = [0, false];
  for (let x = 0; x < width; x++)
    for (let y = 0; y < height; y++) {
      if ((pixels[y * width + x] !== 0) !== inside) {
        counts.push(run);
        run = 0;
        inside = !inside;
      }
      run++;
    }
  return { height, width, counts: Uint32Array.from([...counts, run]) };
}

/** The pixels [height,width] of a mask, row by row: 1 where it is set. */
export function pixelsOf({ height, width, counts }: RunLengths): Uint8Array {
  const pixels = new Uint8Array(height * width);
  let at = 0;
  counts.forEach((run, i) => {
    const end = Math.min(at + run, pixels.length);
    if (i % 2) for (let p = at; p < end; p++) pixels[(p % height) * width + Math.floor(p / height)] = 1;
    at = end;
  });
  return pixels;
}

/** COCO's compressed form: five bits per character; from the fourth run on, the difference to the run before the last. */
export function compressRuns(counts: Uint32Array): string {
  let text = "";
  for (let run = 0; run < counts.length; run++) {
    let rest = run > 2 ? counts[run]! - counts[run - 2]! : counts[run]!;
    for (let more = true; more; ) {
      const bits = rest & 31;
      rest >>= 5;
      more = bits & 16 ? rest !== -1 : rest !== 0;
      text += String.fromCharCode((more ? bits | 32 : bits) + 48);
    }
  }
  return text;
}

/**
 * Reads COCO's compressed form.
 * @throws InputError if the text ends inside a number or has a character that is not part of the form.
 */
export function expandRuns(text: string): Uint32Array {
  const counts: number[] = [];
  for (let at = 0; at < text.length; ) {
    let value = 0;
    for (let shift = 0, more = true; more; shift += 5) {
      const code = text.charCodeAt(at++) - 48;
      if (!(code >= 0 && code < 64)) {
        throw new InputError(
          `run lengths: character ${at} of ${JSON.stringify(text.slice(0, 40))} is not part of COCO's compressed form`,
        );
      }
      value |= (code & 31) << shift;
      more = (code & 32) !== 0;
      if (!more && code & 16 && shift < 27) value |= -1 << (shift + 5);
    }
    counts.push(counts.length > 2 ? (value + counts[counts.length - 2]!) >>> 0 : value >>> 0);
  }
  return Uint32Array.from(counts);
}
