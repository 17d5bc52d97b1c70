/** The colour that a drawing has, and the colours that it can be given. */

import { type ColourWord, colourWordOf, hsvOf, paintHues, rgbOf } from "./colours.ts";
import type { Sprite } from "./sprites.ts";

interface Look {
  /** The word for more than half of what is seen, if one word covers that. */
  readonly word: ColourWord | undefined;
  /** Hue shared by most of the saturated part, in sixths of the circle; absent where there is no such part. */
  readonly hue: number | undefined;
  readonly paints: readonly PaintWord[];
}

/** A colour that can be painted over a drawing. */
export type PaintWord = keyof typeof paintHues;

const paintWords = Object.keys(paintHues) as PaintWord[];
const looks = new WeakMap<Sprite, Look>();
const bins = 36;

/** Colour word, main hue and possible paints of a drawing; worked out once. */
export function lookOf(sprite: Sprite): Look {
  let look = looks.get(sprite);
  if (!look) {
    look = study(sprite.pixels);
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

function study(pixels: Uint8Array): Look {
  const words = new Map<ColourWord, number>();
  const hues = new Float64Array(bins);
  let total = 0;
  eachPixel(pixels, (red, green, blue) => {
    total++;
    const word = colourWordOf(red, green, blue);
    words.set(word, (words.get(word) ?? 0) + 1);
    const { hue, saturation, value } = hsvOf(red, green, blue);
    if (saturation > 0.35 && value > 0.35) hues[Math.floor((hue * bins) / 6) % bins]! += 1;
  });
  const [word, covered] = [...words].sort((a, b) => b[1] - a[1])[0] ?? ["gray", 0];
  const hue = mainHue(hues, total);
  const paints = hue === undefined ? [] : paintWords.filter((paint) => paint !== word && turnsInto(pixels, hue, paint));
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

function turnsInto(pixels: Uint8Array, hue: number, paint: PaintWord): boolean {
  let [total, right] = [0, 0];
  eachPixel(pixels, (red, green, blue) => {
    total++;
    const colour = hsvOf(red, green, blue);
    const turned = rgbOf(colour.hue + paintHues[paint] - hue, colour.saturation, colour.value);
    if (colour.saturation >= 0.15 && colourWordOf(...turned) === paint) right++;
  });
  return right > 0.55 * total;
}

/** Visits every fifth pixel, which is enough to know the colours of a drawing. */
function eachPixel(pixels: Uint8Array, visit: (red: number, green: number, blue: number) => void): void {
  for (let at = 0; at < pixels.length; at += 20) {
    const alpha = pixels[at + 3] ?? 0;
    if (alpha < 128) continue;
    const whole = 255 / alpha;
    visit((pixels[at] ?? 0) * whole, (pixels[at + 1] ?? 0) * whole, (pixels[at + 2] ?? 0) * whole);
  }
}
