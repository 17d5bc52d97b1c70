/** Line charts as SVG, with panels one below another, and SVG as PNG with the package's font. */

import { createRequire } from "node:module";
import { optional } from "../files/optional-package.ts";
import { xmlText } from "../files/xml-text.ts";

const DRAWING = { purpose: "drawing curves as PNG", packages: ["@napi-rs/canvas", "@fontsource/inter"] };

export interface Point {
  x: number;
  y: number;
}

export interface Panel {
  title: string;
  lines: readonly { name: string; points: readonly Point[] }[];
}

/** Pixels of one panel and of its margins. */
const size = { width: 720, height: 280, left: 64, right: 150, top: 36, bottom: 36 };
/** Colours that colour-blind readers can distinguish (Okabe and Ito 2008). */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

/** An SVG with each panel's lines, axes and names; points that are not finite are left out. */
export function chartSvg(panels: readonly Panel[]): string {
  const height = size.height * panels.length;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${height}" font-family="Inter, sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    ...panels.map((panel, i) => `<g transform="translate(0 ${i * size.height})">${panelSvg(panel)}</g>`),
    "</svg>\n",
  ].join("\n");
}

/** Draws an SVG at `scale` pixels per unit; the same on machines with and without fonts. */
export async function svgToPng(svg: string, scale = 2): Promise<Uint8Array> {
  const { createCanvas, GlobalFonts, loadImage } = await optional(() => import("@napi-rs/canvas"), DRAWING);
  const font = createRequire(import.meta.url).resolve("@fontsource/inter/files/inter-latin-400-normal.woff2");
  if (!GlobalFonts.has("Inter")) GlobalFonts.registerFromPath(font, "Inter");
  const picture = await loadImage(Buffer.from(svg));
  const canvas = createCanvas(picture.width * scale, picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.toBuffer("image/png");
}

/** Round values that divide a range into about five parts, in steps of 1, 2 or 5 times a power of ten. */
export function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function panelSvg({ title, lines }: Panel): string {
  const shown = lines.map(({ name, points }) => ({
    name,
    points: points.filter(({ x, y }) => Number.isFinite(x + y)),
  }));
  const points = shown.flatMap((line) => line.points);
  const x = axis(
    points.map((point) => point.x),
    size.left,
    size.width - size.right,
  );
  const y = axis(
    points.map((point) => point.y),
    size.height - size.bottom,
    size.top,
  );
  const parts = [`<text x="${size.left}" y="22" font-size="14">${xmlText(title)}</text>`];
  for (const value of y.ticks) {
    const at = y.place(value);
    parts.push(`<path d="M${size.left} ${at}H${size.width - size.right}" stroke="#dddddd"/>`);
    parts.push(`<text x="${size.left - 6}" y="${at + 4}" text-anchor="end">${value}</text>`);
  }
  for (const value of x.ticks) {
    parts.push(
      `<text x="${x.place(value)}" y="${size.height - size.bottom + 16}" text-anchor="middle">${value}</text>`,
    );
  }
  for (const [i, line] of shown.entries()) {
    const colour = colours[i % colours.length];
    const path = line.points.map((point) => `${x.place(point.x)} ${y.place(point.y)}`).join("L");
    const round = line.points.length === 1 ? "M" + path + "h0" : "M" + path;
    if (path)
      parts.push(`<path d="${round}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-linecap="round"/>`);
    const label = size.top + 8 + i * 16;
    parts.push(`<text x="${size.width - size.right + 12}" y="${label}" fill="${colour}">${xmlText(line.name)}</text>`);
  }
  return parts.join("\n");
}

/** Maps values to pixels, with a little margin if there is only one value. */
function axis(values: readonly number[], from: number, to: number): { ticks: number[]; place(value: number): number } {
  let low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  let high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  if (low > high) [low, high] = [0, 1];
  if (low === high)
    [low, high] = [low - Math.max(Math.abs(low) * 0.1, 1e-3), high + Math.max(Math.abs(high) * 0.1, 1e-3)];
  const place = (value: number): number => Math.round((from + ((value - low) / (high - low)) * (to - from)) * 10) / 10;
  return { ticks: ticks(low, high), place };
}
