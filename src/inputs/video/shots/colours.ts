/**
 * Colours of frames in 8 bits, in OpenCV's own fixed-point arithmetic (`modules/imgproc/src/color_hsv.dispatch.cpp`, `color_yuv`), since
 * scores of shots depend on it. Frames are RGB, rows without gaps.
 */

/** A frame of a video in RGB. */
export interface Frame {
  data: Uint8Array;
  width: number;
  height: number;
}

/** Hue (0 to 179), saturation and value (0 to 255), a plane each. */
export interface HsvPlanes {
  hue: Uint8Array;
  saturation: Uint8Array;
  value: Uint8Array;
}

const SATURATION = table((i) => (255 * 4096) / i);
const HUE = table((i) => (180 * 4096) / (6 * i));

function table(of: (i: number) => number): Int32Array {
  return Int32Array.from({ length: 256 }, (_, i) => (i ? Math.round(of(i)) : 0));
}

export function hsvPlanes({ data, width, height }: Frame): HsvPlanes {
  const size = width * height;
  const planes = { hue: new Uint8Array(size), saturation: new Uint8Array(size), value: new Uint8Array(size) };
  for (let p = 0, at = 0; p < size; p++, at += 3) {
    const [r, g, b] = [data[at]!, data[at + 1]!, data[at + 2]!];
    const most = Math.max(r, g, b);
    const spread = most - Math.min(r, g, b);
    const sixth = most === r ? g - b : most === g ? b - r + 2 * spread : r - g + 4 * spread;
    const hue = (sixth * HUE[spread]! + 2048) >> 12;
    planes.hue[p] = hue < 0 ? hue + 180 : hue;
    planes.saturation[p] = (spread * SATURATION[most]! + 2048) >> 12;
    planes.value[p] = most;
  }
  return planes;
}

/** Luma of a colour, as histograms use it. */
export function luma(r: number, g: number, b: number): number {
  return (4899 * r + 9617 * g + 1868 * b + 8192) >> 14;
}

/** Grey of a colour, as perceptual hashes use it. */
export function grey(r: number, g: number, b: number): number {
  return (9798 * r + 19235 * g + 3735 * b + 16384) >> 15;
}

/** Mean absolute difference of two planes. */
export function meanDifference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let p = 0; p < a.length; p++) sum += Math.abs(a[p]! - b[p]!);
  return sum / a.length;
}

/** Mean of all bytes of a frame. */
export function meanIntensity({ data }: Frame): number {
  let sum = 0;
  for (let p = 0; p < data.length; p++) sum += data[p]!;
  return sum / data.length;
}
