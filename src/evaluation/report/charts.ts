/** Line charts as SVG text. */
import { xmlText } from "../../files/xml-text.ts";

export interface Line {
  name: string;
  /** Class in the style sheet that sets the colour. */
  style: string;
  points: readonly (readonly [x: number, y: number])[];
}

const width = 460;
const height = 300;
const margin = { left: 46, right: 12, top: 12, bottom: 40 };

/** A chart; its vertical axis goes from 0 to 1. The page's script replaces the lines of the element `id`. */
export function lineChart(
  lines: readonly Line[],
  { id, x, y, range = [0, 1] }: { id: string; x: string; y: string; range?: readonly [number, number] },
): string {
  const [low, high] = range;
  const across = (value: number) =>
    margin.left + ((value - low) / (high - low || 1)) * (width - margin.left - margin.right);
  const up = (value: number) => height - margin.bottom - value * (height - margin.top - margin.bottom);
  const grid = [0, 0.2, 0.4, 0.6, 0.8, 1].map((tick) => {
    const value = low + tick * (high - low);
    return (
      `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${up(tick)}" y2="${up(tick)}"/>` +
      `<text class="tick" x="${margin.left - 6}" y="${up(tick) + 4}" text-anchor="end">${tick}</text>` +
      `<text class="tick" x="${across(value)}" y="${height - margin.bottom + 16}" text-anchor="middle">${Number(value.toPrecision(3))}</text>`
    );
  });
  const drawn = lines.map(
    ({ style, points }) =>
      `<polyline class="line ${style}" points="${points.map(([px, py]) => `${across(px).toFixed(1)},${up(py).toFixed(1)}`).join(" ")}"/>`,
  );
  const legend = lines.map(({ name, style }) => `<span class="key ${style}">${xmlText(name)}</span>`);
  return (
    `<figure id="${id}"><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${xmlText(`${y} against ${x}`)}">` +
    `${grid.join("")}<g class="lines">${drawn.join("")}</g>` +
    `<text class="label" x="${(margin.left + width) / 2}" y="${height - 4}" text-anchor="middle">${xmlText(x)}</text>` +
    `<text class="label" transform="translate(12 ${(height - margin.bottom) / 2}) rotate(-90)" text-anchor="middle">${xmlText(y)}</text>` +
    `</svg><figcaption>${legend.join("")}</figcaption></figure>`
  );
}
