/** Loss and metric curves of a run, drawn from its log. */

import { join } from "node:path";
import { InputError } from "../errors.ts";
import { writeWhole } from "../files/write-whole.ts";
import { chartSvg, type Panel, type Point, svgToPng } from "./chart.ts";
import { type LogEntry, readLog } from "./log.ts";
import type { TrainingListener } from "./training-listener.ts";

/** Maximum number of points of a line; a longer run is averaged. */
const MOST_POINTS = 400;

/** Draws `curves.svg` and `curves.png` in `folder` from the log, at each evaluation and at the end. Must come after the log in the list of listeners. */
export function curveFiles(log: string, folder: string): TrainingListener {
  const draw = async (): Promise<void> => {
    const svg = chartSvg(runPanels(readLog(log)));
    await writeWhole(join(folder, "curves.svg"), svg);
    // The SVG is enough if the packages that draw a PNG are not installed.
    const png = await svgToPng(svg).catch((error: unknown) => {
      if (!(error instanceof InputError)) throw error;
    });
    if (png) await writeWhole(join(folder, "curves.png"), png);
  };
  return { evaluated: draw, ended: draw };
}

/** One panel with the losses and, if there are any, one with the metrics. */
export function runPanels(entries: readonly LogEntry[]): Panel[] {
  const losses = new Map<string, Point[]>();
  const metrics = new Map<string, Point[]>();
  for (const entry of entries) {
    if (entry.kind === "step") {
      const several = Object.keys(entry.losses).length > 1;
      addPoints(losses, entry.step, several ? { total: entry.loss, ...entry.losses } : entry.losses);
    } else addPoints(metrics, entry.step, entry.metrics);
  }
  const panels = [{ title: "loss by step", lines: linesOf(losses) }];
  if (metrics.size) panels.push({ title: "metric by step", lines: linesOf(metrics) });
  return panels;
}

function addPoints(lines: Map<string, Point[]>, x: number, values: Record<string, number>): void {
  for (const [name, y] of Object.entries(values)) {
    const points = lines.get(name);
    if (points) points.push({ x, y });
    else lines.set(name, [{ x, y }]);
  }
}

function linesOf(lines: Map<string, Point[]>): { name: string; points: Point[] }[] {
  return [...lines].map(([name, points]) => ({ name, points: averaged(points) }));
}

/** Means of neighbouring points. */
function averaged(points: readonly Point[]): Point[] {
  const run = Math.ceil(points.length / MOST_POINTS);
  return Array.from({ length: Math.ceil(points.length / run) }, (_, i) => {
    const some = points.slice(i * run, (i + 1) * run);
    const mean = (pick: (point: Point) => number) => some.reduce((sum, point) => sum + pick(point), 0) / some.length;
    return { x: mean(({ x }) => x), y: mean(({ y }) => y) };
  });
}
