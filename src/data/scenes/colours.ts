/** Colours as numbers and as the words that people use for them. */

import type { Random } from "../random.ts";

/** Red, green and blue, each 0 to 255. */
export type Rgb = readonly [number, number, number];

const colourWords = [
  "red",
  "orange",
  "yellow",
  "green",
  "blue",
  "purple",
  "pink",
  "brown",
  "black",
  "white",
  "gray",
] as const;

/** A basic colour word of English. */
export type ColourWord = (typeof colourWords)[number];

/** Middle hue, in sixths of the circle, of the words that can be painted over any saturated thing. */
export const paintHues = { red: 0, orange: 0.52, yellow: 0.9, green: 2.05, blue: 3.6, purple: 4.6 } as const;

/** Hue in sixths of the circle [0, 6), saturation and value in [0, 1]. */
export function hsvOf(red: number, green: number, blue: number): { hue: number; saturation: number; value: number } {
  const most = Math.max(red, green, blue);
  const spread = most - Math.min(red, green, blue);
  if (spread === 0) return { hue: 0, saturation: 0, value: most / 255 };
  let hue = 4 + (red - green) / spread;
  if (most === red) hue = (green - blue) / spread;
  else if (most === green) hue = 2 + (blue - red) / spread;
  return { hue: hue < 0 ? hue + 6 : hue, saturation: spread / most, value: most / 255 };
}

/** The inverse of `hsvOf`; the hue may have any value. */
export function rgbOf(hue: number, saturation: number, value: number): Rgb {
  const round = hue - 6 * Math.floor(hue / 6);
  const part = (shift: number) => {
    const place = (shift + round) % 6;
    return 255 * value * (1 - saturation * Math.max(0, Math.min(1, place, 4 - place)));
  };
  return [part(5), part(3), part(1)];
}

/** What most people would call a colour. */
export function colourWordOf(red: number, green: number, blue: number): ColourWord {
  const { hue, saturation, value } = hsvOf(red, green, blue);
  if (value < 0.22) return "black";
  if (saturation < 0.13) return value > 0.87 ? "white" : value < 0.35 ? "black" : "gray";
  if (saturation < 0.25 && value < 0.75 && hue > 2.5 && hue < 4.5) return "gray";
  if (hue < 0.28 || hue >= 5.65) {
    if (saturation < 0.55 && value > 0.7) return "pink";
    return value < 0.5 && saturation < 0.75 ? "brown" : "red";
  }
  if (hue < 0.7) return value < 0.72 || (saturation < 0.6 && value < 0.85) ? "brown" : "orange";
  if (hue < 1.12) return value < 0.6 ? "brown" : "yellow";
  if (hue < 2.75) return "green";
  if (hue < 4.2) return "blue";
  if (hue < 5) return "purple";
  return value > 0.75 ? "pink" : "purple";
}

/** A colour as walls, floors and cloth have: rarely bright. */
export function groundColour(random: Random): Rgb {
  const saturation = random.chance(0.25) ? random.between(0.5, 0.95) : random.between(0, 0.45);
  return rgbOf(random.between(0, 6), saturation, random.between(0.15, 1));
}
