/** The colour of a drawing, and the colours it can be painted in. */

import { type ColourWord, colourWordOf, hsvOf, paintHues, type Rgb, rgbOf } from "./colours.ts";
import type { Sprite } from "./sprites.ts";

interface Look {
  /** The colour word that covers more than half of the drawing, if there is one. */
  readonly word: ColourWord | undefined;
  /** Hue of most of the saturated part, in sixths of the circle; absent if there is no such part. */
  readonly hue: number | undefined;
  readonly paints: readonly PaintWord[];
}

/** A colour that can be painted over a drawing. */
export type PaintWord = keyof typeof paintHues;

const paintWords = Object.keys(paintHues) as PaintWord[];
const looks = new WeakMap<Sprite, Look>();
const bins = 36;

/** Colour word, main hue and possible paints of a drawing; computed once. */
export function lookOf(sprite: Sprite): Look {
  let look = looks.get(sprite);
  if (!look) {
    look = analyse(sprite.pixels);
    looks.set(sprite, look);
  }
  return look;
}

/** Turns the hues of `pixels`, a layer made from `sprite`, so that the main one becomes that of `word`. */
export function paintOver(pixels: Uint8Array, sprite: Sprite, word: ColourWord): void {
  const { hue } = lookOf(sprite);
  if (hue === undefined || !(word in paintHues)) return;
  const shift = paintHues[word as PaintWord] - hue;
  for (let at = 0; at < pixels.length; at += 4) {
    const alpha = pixels[at + 3] ?? 0;
    if (alpha === 0) continue;
    const colour = hsvOf(pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0);
    if (colour.saturation < 0.15) continue;
    const turned = rgbOf(colour.hue + shift, colour.saturation, colour.value);
    for (let c = 0; c < 3; c++) pixels[at + c] = (turned[c] ?? 0) + 0.5;
  }
}

function analyse(pixels: Uint8Array): Look {
  const words = new Map<ColourWord, number>();
  const hues = new Float64Array(bins);
  const colours = coloursOf(pixels);
  let total = 0;
  for (const { rgb, hue, saturation, value, count } of colours) {
    total += count;
    const word = colourWordOf(...rgb);
    words.set(word, (words.get(word) ?? 0) + count);
    if (saturation > 0.35 && value > 0.35) hues[Math.floor((hue * bins) / 6) % bins]! += count;
  }
  const [word, covered] = [...words].sort((a, b) => b[1] - a[1])[0] ?? ["gray", 0];
  const hue = mainHue(hues, total);
  const turnsInto = (paint: PaintWord) => {
    const shift = paintHues[paint] - (hue ?? 0);
    const turned = colours.filter(
      (colour) =>
        colour.saturation >= 0.15 &&
        colourWordOf(...rgbOf(colour.hue + shift, colour.saturation, colour.value)) === paint,
    );
    return turned.reduce((sum, { count }) => sum + count, 0) > 0.55 * total;
  };
  const paints = hue === undefined ? [] : paintWords.filter((paint) => paint !== word && turnsInto(paint));
  return { word: covered > 0.55 * total ? word : undefined, hue, paints };
}

/** The middle of the fullest third of a half circle of hues, if it holds most of the drawing. */
function mainHue(hues: Float64Array, total: number): number | undefined {
  let [best, most] = [0, 0];
  for (let middle = 0; middle < bins; middle++) {
    let sum = 0;
    for (let away = -3; away <= 3; away++) sum += hues[(middle + away + bins) % bins] ?? 0;
    if (sum > most) [best, most] = [middle, sum];
  }
  return most > 0.55 * total ? ((best + 0.5) * 6) / bins : undefined;
}

/** The opaque colours of a drawing and how often each occurs; every fifth pixel is enough to know. */
function coloursOf(pixels: Uint8Array) {
  const counts = new Map<number, number>();
  for (let at = 0; at < pixels.length; at += 20) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = [pixels[at], pixels[at + 1], pixels[at + 2], pixels[at + 3]];
    if (alpha < 128) continue;
    const key = ((alpha * 256 + red) * 256 + green) * 256 + blue;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) => {
    const whole = 255 / Math.floor(key / 0x1000000);
    const rgb: Rgb = [((key >>> 16) & 255) * whole, ((key >>> 8) & 255) * whole, (key & 255) * whole];
    return { rgb, count, ...hsvOf(...rgb) };
  });
}
