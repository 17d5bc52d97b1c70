/** Resizes 8-bit RGB pictures with the same rounding as Pillow and OpenCV, with which every published model was trained. */

/** Rows of RGB pixels without gaps. */
export interface Picture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** In pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** For each output position, the first source position and the weights of the following ones, in fixed point. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `most` weights per output position. */
  readonly weights: Int32Array;
  readonly most: number;
}

interface Kernel {
  readonly support: number;
  readonly weight: (distance: number) => number;
}

/** Fraction bits of a weight: 32 − 8 bits of a pixel − 2 bits of room for sums. */
const BITS = 22;

const TRIANGLE: Kernel = { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) };
const CUBIC: Kernel = {
  support: 2,
  weight: (distance) => {
    const a = -0.5;
    const x = Math.abs(distance);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
  },
};

/** Resizes as `PIL.Image.resize(size, BILINEAR)` does: antialiased when shrinking. Source: Pillow `libImaging/Resample.c`. */
export function resizeBilinear(picture: Picture, size: Size): Picture {
  return resample(picture, size, TRIANGLE);
}

/** Resizes as `PIL.Image.resize(size, BICUBIC)` does: antialiased when shrinking. Source: Pillow `libImaging/Resample.c`. */
export function resizeBicubic(picture: Picture, size: Size): Picture {
  return resample(picture, size, CUBIC);
}

function resample(picture: Picture, { width, height }: Size, kernel: Kernel): Picture {
  const wide = width === picture.width ? picture : resampleRows(picture, width, kernel);
  return height === picture.height ? wide : resampleColumns(wide, height, kernel);
}

function resampleRows({ data, width, height }: Picture, target: number, kernel: Kernel): Picture {
  const { first, count, weights, most } = tapsOf(width, target, kernel);
  const result = new Uint8ClampedArray(3 * target * height);
  let out = 0;
  for (let y = 0; y < height; y++) {
    const row = 3 * width * y;
    for (let x = 0; x < target; x++) {
      let red = 1 << (BITS - 1);
      let green = red;
      let blue = red;
      let at = row + 3 * first[x]!;
      const end = most * x + count[x]!;
      for (let k = most * x; k < end; k++) {
        const weight = weights[k]!;
        red = (red + Math.imul(data[at]!, weight)) | 0;
        green = (green + Math.imul(data[at + 1]!, weight)) | 0;
        blue = (blue + Math.imul(data[at + 2]!, weight)) | 0;
        at += 3;
      }
      result[out++] = red >> BITS;
      result[out++] = green >> BITS;
      result[out++] = blue >> BITS;
    }
  }
  return { data: new Uint8Array(result.buffer), width: target, height };
}

function resampleColumns({ data, width, height }: Picture, target: number, kernel: Kernel): Picture {
  const { first, count, weights, most } = tapsOf(height, target, kernel);
  const length = 3 * width;
  const result = new Uint8ClampedArray(length * target);
  const sums = new Int32Array(length);
  for (let y = 0; y < target; y++) {
    sums.fill(1 << (BITS - 1));
    for (let k = 0; k < count[y]!; k++) {
      const weight = weights[most * y + k]!;
      const row = length * (first[y]! + k);
      for (let x = 0; x < length; x++) sums[x] = (sums[x]! + Math.imul(data[row + x]!, weight)) | 0;
    }
    const out = length * y;
    for (let x = 0; x < length; x++) result[out + x] = sums[x]! >> BITS;
  }
  return { data: new Uint8Array(result.buffer), width, height: target };
}

function tapsOf(source: number, target: number, kernel: Kernel): Taps {
  const scale = source / target;
  const stretch = Math.max(1, scale);
  const support = kernel.support * stretch;
  const most = Math.ceil(support) * 2 + 1;
  const taps = {
    first: new Int32Array(target),
    count: new Int32Array(target),
    weights: new Int32Array(target * most),
    most,
  };
  for (let place = 0; place < target; place++) {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(source, Math.trunc(centre + support + 0.5)) - first;
    const exact = Array.from({ length: count }, (_, k) => kernel.weight((k + first - centre + 0.5) * (1 / stretch)));
    const sum = exact.reduce((total, weight) => total + weight, 0);
    exact.forEach((weight, k) => {
      const fixed = (weight / sum) * (1 << BITS);
      taps.weights[most * place + k] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
    taps.first[place] = first;
    taps.count[place] = count;
  }
  return taps;
}

/** Resizes as `cv2.resize(image, size, interpolation=INTER_LINEAR)` does: never antialiased. Source: OpenCV `imgproc/resize.cpp`. */
export function resizeLinear(picture: Picture, { width, height }: Size): Picture {
  if (picture.width === width && picture.height === height) return picture;
  if (picture.width === 2 * width && picture.height === 2 * height) return halve(picture);
  const columns = places(picture.width, width);
  const rows = places(picture.height, height);
  // At the edges, a row keeps its weights, with the same row as both sources; a column there has only one source.
  for (let x = 0; x < width; x++) {
    if (columns.first[x]! >= 0 && columns.first[x]! < picture.width - 1) continue;
    columns.low[x] = 2048;
    columns.high[x] = 0;
  }
  const length = 3 * width;
  const result = new Uint8ClampedArray(length * height);
  const between = rowReader(picture, columns);
  for (let y = 0; y < height; y++) {
    const upper = between(rows.first[y]!);
    const lower = between(rows.first[y]! + 1);
    const low = rows.low[y]!;
    const high = rows.high[y]!;
    for (let x = 0; x < length; x++) {
      const sum = (Math.imul(low, upper[x]! >> 4) >> 16) + (Math.imul(high, lower[x]! >> 4) >> 16);
      result[length * y + x] = (sum + 2) >> 2;
    }
  }
  return { data: new Uint8Array(result.buffer), width, height };
}

/** Reads rows resized in width, in 11-bit fixed point; caches the last two. */
function rowReader({ data, width, height }: Picture, columns: ReturnType<typeof places>) {
  const target = columns.first.length;
  const kept = [0, 1].map(() => ({ row: -1, values: new Int32Array(3 * target) }));
  return (wanted: number): Int32Array => {
    const row = Math.min(Math.max(wanted, 0), height - 1);
    const slot = kept[row % 2]!;
    if (slot.row === row) return slot.values;
    slot.row = row;
    for (let x = 0; x < target; x++) {
      const left = Math.min(Math.max(columns.first[x]!, 0), width - 1);
      const right = Math.min(left + 1, width - 1);
      for (let channel = 0; channel < 3; channel++) {
        const start = 3 * width * row + channel;
        slot.values[3 * x + channel] =
          data[start + 3 * left]! * columns.low[x]! + data[start + 3 * right]! * columns.high[x]!;
      }
    }
    return slot.values;
  };
}

/** For each output position, the first of its two sources (may be −1) and both weights in 2048ths. */
function places(source: number, target: number) {
  const scale = 1 / (target / source);
  const first = new Int32Array(target);
  const low = new Int32Array(target);
  const high = new Int32Array(target);
  for (let place = 0; place < target; place++) {
    const exact = Math.fround((place + 0.5) * scale - 0.5);
    first[place] = Math.floor(exact);
    const share = Math.fround(exact - Math.floor(exact));
    low[place] = roundToEven(Math.fround(1 - share) * 2048);
    high[place] = roundToEven(share * 2048);
  }
  return { first, low, high };
}

/** At exactly half the size, OpenCV uses the mean of four pixels. */
function halve({ data, width, height }: Picture): Picture {
  const result = new Uint8Array((data.length / 4) | 0);
  const length = 3 * width;
  let out = 0;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < length; x += 6) {
      for (let at = length * y + x; at < length * y + x + 3; at++) {
        result[out++] = (data[at]! + data[at + 3]! + data[at + length]! + data[at + length + 3]! + 2) >> 2;
      }
    }
  }
  return { data: result, width: width / 2, height: height / 2 };
}

/** Nearest whole number; halves are rounded to even, as in Python and C. */
export function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
