/** Plain tables for a terminal. */

import { visible } from "../../files/visible.ts";

/** Aligns the first column left and the others right, and escapes control characters. */
export function plainTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows].map((row) => row.map(visible));
  const widths = header.map((_, column) => all.reduce((most, row) => Math.max(most, width(row[column] ?? "")), 0));
  const lines = all.map((row) =>
    row
      .map((cell, column) => {
        const padding = " ".repeat(widths[column]! - width(cell));
        return column === 0 ? cell + padding : padding + cell;
      })
      .join("  ")
      .trimEnd(),
  );
  return [lines[0], widths.map((size) => "─".repeat(size)).join("  "), ...lines.slice(1)].join("\n");
}

/** A fraction as percent with one decimal; a dash for −1, which means that there is nothing to average. */
export function percent(value: number): string {
  return value <= -1 ? "–" : (100 * value).toFixed(1);
}

function width(text: string): number {
  return [...text].length;
}
