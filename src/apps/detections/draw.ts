/** Draws boxes and labels on a picture. */

import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Canvas, createCanvas, GlobalFonts, ImageData, type SKRSContext2D } from "@napi-rs/canvas";
import { pixelsOf } from "../../boxes/masks/run-lengths.ts";
import type { Picture } from "../../inputs/pictures/resize.ts";
import type { Box, Detection, Mask } from "../../tasks/finding/detection.ts";
import type { TrackedDetection } from "../../tasks/finding/track-frames.ts";
import { runsOfMask } from "./masks.ts";

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const FONT = "Groundling Inter";
/** Degrees between the hues of consecutive labels: neighbours differ clearly, and hues do not repeat soon. */
const GOLDEN_ANGLE = 137.508;
/** Share of a label's colour in the pixels of a mask. */
const MASK_SHARE = 0.4;

/** Draws detections, best first, on a picture; better ones are on top. Sentences are written below it. Returns the bytes of a PNG. */
export async function drawDetections(
  picture: Picture,
  detections: readonly Detection[],
  labels: readonly string[],
  sentences: readonly string[] = [],
): Promise<Uint8Array> {
  const canvas = drawn(picture, detections, ({ label }) => labels.indexOf(label));
  return (sentences.length === 0 ? canvas : withSentences(canvas, sentences)).encode("png");
}

/** The drawing with sentences below it, in lines as wide as the drawing. */
function withSentences(drawing: Canvas, sentences: readonly string[]): Canvas {
  const { width, height } = drawing;
  const size = textSize(width, height);
  const measure = createCanvas(1, 1).getContext("2d");
  measure.font = `${size}px "${FONT}"`;
  const room = Math.max(size, width - size);
  const lines = sentences.flatMap((one) => wrapped(one, (line) => measure.measureText(line).width <= room));
  const step = 1.4 * size;
  const canvas = createCanvas(width, height + Math.ceil(step * lines.length + 0.6 * size));
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, canvas.height);
  context.drawImage(drawing, 0, 0);
  context.font = measure.font;
  context.fillStyle = "black";
  context.textBaseline = "middle";
  lines.forEach((line, i) => {
    context.fillText(line, 0.5 * size, height + 0.3 * size + step * (i + 0.5));
  });
  return canvas;
}

/** The words of a sentence in lines that fit; a word that is longer than a line is alone on one. */
function wrapped(sentence: string, fits: (line: string) => boolean): string[] {
  const lines: string[] = [];
  for (const word of sentence.split(/\s+/)) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && fits(longer)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** The height of letters in pixels, for a picture of a size. */
function textSize(width: number, height: number): number {
  const side = Math.sqrt(width * height);
  return Math.round(Math.min(Math.max(12, side / 36), Math.max(9, height / 4)));
}

/** Draws the boxes of tracks on a frame, each id in its own colour. Returns RGBA pixels. */
export function drawTracks(picture: Picture, tracks: readonly TrackedDetection[]): Uint8Array {
  const named = tracks.map((track) => ({ ...track, label: `${track.label} ${track.id}` }));
  const { data } = drawn(picture, named, ({ id }) => id)
    .getContext("2d")
    .getImageData(0, 0, picture.width, picture.height);
  return new Uint8Array(data.buffer, data.byteOffset, data.length);
}

/** Draws detections on a canvas; `colour` numbers their colours. */
function drawn<Drawn extends Detection>(
  picture: Picture,
  detections: readonly Drawn[],
  colour: (one: Drawn) => number,
) {
  loadFont();
  const { width, height } = picture;
  const canvas = createCanvas(width, height);
  const context = canvas.getContext("2d");
  const pixels = withAlpha(picture);
  for (const one of detections.toReversed()) if (one.mask) colourMask(pixels, one.mask, hueOf(colour(one)));
  context.putImageData(new ImageData(pixels, width, height), 0, 0);
  const side = Math.sqrt(width * height);
  const line = Math.max(2, Math.round(side / 300));
  const size = textSize(width, height);
  for (const one of detections.toReversed()) drawBox(context, one.box, { line, hue: hueOf(colour(one)) });
  const taken: Area[] = [];
  for (const detection of detections) {
    taken.push(drawTag(context, detection, { hue: hueOf(colour(detection)), size, line, width, height, taken }));
  }
  return canvas;
}

function hueOf(colour: number): number {
  return (Math.max(0, colour) * GOLDEN_ANGLE + 210) % 360;
}

/** Mixes a label's colour into the pixels of a mask. */
function colourMask(pixels: Uint8ClampedArray, mask: Mask, hue: number): void {
  const colour = [0, 8, 4].map((shift) => {
    const place = (shift + hue / 30) % 12;
    return 255 * (0.6 - 0.36 * Math.max(-1, Math.min(place - 3, 9 - place, 1)));
  });
  pixelsOf(runsOfMask(mask)).forEach((isSet, pixel) => {
    if (!isSet) return;
    for (let k = 4 * pixel; k < 4 * pixel + 3; k++)
      pixels[k] = pixels[k]! * (1 - MASK_SHARE) + colour[k % 4]! * MASK_SHARE;
  });
}

/** A coloured line between two thin dark ones, visible on light and dark backgrounds. */
function drawBox(
  context: SKRSContext2D,
  { xmin, ymin, xmax, ymax }: Box,
  { line, hue }: { line: number; hue: number },
): void {
  for (const [style, width] of [
    ["rgba(0, 0, 0, 0.55)", line + 2],
    [`hsl(${hue}, 90%, 60%)`, line],
  ] as const) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.strokeRect(xmin, ymin, xmax - xmin, ymax - ymin);
  }
}

interface TagChoices {
  hue: number;
  size: number;
  line: number;
  width: number;
  height: number;
  taken: readonly Area[];
}

/** Writes a label where it hides no other label: above its box, inside at the top, below, or inside at the bottom. */
function drawTag(
  context: SKRSContext2D,
  { box, label, score }: Detection,
  { hue, size, line, width, height, taken }: TagChoices,
): Area {
  context.font = `${size}px "${FONT}"`;
  const words = `${label} ${Math.round(100 * score)} %`;
  const tag = { width: Math.ceil(context.measureText(words).width + 0.6 * size), height: Math.ceil(1.35 * size) };
  const x = Math.max(0, Math.min(box.xmin - line / 2, width - tag.width));
  const places = [box.ymin - tag.height, box.ymin, box.ymax, box.ymax - tag.height].map((y) => ({ ...tag, x, y }));
  const inside = places.filter(({ y }) => y >= 0 && y + tag.height <= height);
  const place = inside.find((area) => !taken.some((other) => overlap(area, other))) ??
    inside[0] ?? { ...tag, x, y: Math.max(0, Math.min(box.ymin, height - tag.height)) };
  context.fillStyle = `hsl(${hue}, 85%, 24%)`;
  context.fillRect(place.x, place.y, place.width, place.height);
  context.fillStyle = "white";
  context.textBaseline = "middle";
  context.fillText(words, place.x + 0.3 * size, place.y + tag.height / 2);
  return place;
}

function overlap(a: Area, b: Area): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function withAlpha({ data, width, height }: Picture): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    pixels[to] = data[from]!;
    pixels[to + 1] = data[from + 1]!;
    pixels[to + 2] = data[from + 2]!;
  }
  return pixels;
}

/** The bundled font, for all its scripts. */
function loadFont(): void {
  if (GlobalFonts.has(FONT)) return;
  const folder = join(dirname(createRequire(import.meta.url).resolve("@fontsource/inter/package.json")), "files");
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith("-500-normal.woff2"))
    .sort())
    GlobalFonts.registerFromPath(join(folder, file), FONT);
}
