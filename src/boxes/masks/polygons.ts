/** Polygons to run lengths exactly as cocodataset/cocoapi `maskApi.c: rleFrPoly` rasterises them. */
import { InputError } from "../../errors.ts";
import { type RunLengths, uniteMasks } from "./run-lengths.ts";

const fineness = 5;

/** Outlines are followed pixel by pixel, so a very large coordinate would need much memory. */
const furthest = 1e6;
/** Maximum number of points of one outline on the finer grid: about 100 times around a picture of 5,000 × 5,000. */
const MOST_POINTS = 1e7;

/** One part (x, y, x, y, …, in pixels, filled by parity) on a picture of the given size. */
export function rasterisePart(part: readonly number[], height: number, width: number): RunLengths {
  const outline = walkOutline(part);
  const crossings: number[] = [];
  for (let i = 1; i < outline.x.length; i++) {
    const [x, before] = [outline.x[i]!, outline.x[i - 1]!];
    if (x === before) continue;
    // A column is entered where the outline passes the column's pixel centre.
    const column = ((x < before ? x : x - 1) + 0.5) / fineness - 0.5;
    if (Math.floor(column) !== column || column < 0 || column > width - 1) continue;
    const row = (Math.min(outline.y[i]!, outline.y[i - 1]!) + 0.5) / fineness - 0.5;
    crossings.push(column * height + Math.ceil(Math.min(Math.max(row, 0), height)));
  }
  crossings.push(height * width);
  const sorted = Uint32Array.from(crossings).sort();
  return { height, width, counts: Uint32Array.from(runsBetween(sorted)) };
}

/** Several parts, joined by union. Parts of four numbers are read as boxes (x, y, width, height), as the original does. */
export function rasterise(parts: readonly (readonly number[])[], height: number, width: number): RunLengths {
  const areBoxes = parts[0]?.length === 4;
  return uniteMasks(
    parts.map((part) => {
      if (!areBoxes) return rasterisePart(part, height, width);
      const [x, y, w, h] = [part[0]!, part[1]!, part[2]!, part[3]!];
      return rasterisePart([x, y, x, y + h, x + w, y + h, x + w, y], height, width);
    }),
  );
}

/** Every point of the closed outline on the finer grid; each edge is stepped along its longer side. */
function walkOutline(part: readonly number[]): { x: number[]; y: number[] } {
  const vertices = part.length >> 1;
  const wild = part.find((value) => !(Math.abs(value) <= furthest));
  if (wild !== undefined)
    throw new InputError(`polygon: coordinate ${wild} is not within ${furthest} pixels; correct it`);
  const fine = (value: number) => Math.trunc(fineness * value + 0.5);
  let points = 0;
  for (let i = 0; i < 2 * vertices; i += 2) {
    const next = (i + 2) % (2 * vertices);
    points += fineness * Math.max(Math.abs(part[next]! - part[i]!), Math.abs(part[next + 1]! - part[i + 1]!));
  }
  if (points > MOST_POINTS)
    throw new InputError(
      `polygon: the outline of ${vertices} corners is longer than ${MOST_POINTS / fineness} pixels; correct or simplify it`,
    );
  const outline = { x: [] as number[], y: [] as number[] };
  for (let vertex = 0; vertex < vertices; vertex++) {
    const next = (vertex + 1) % vertices;
    let [startX, startY] = [fine(part[2 * vertex]!), fine(part[2 * vertex + 1]!)];
    let [endX, endY] = [fine(part[2 * next]!), fine(part[2 * next + 1]!)];
    const [spanX, spanY] = [Math.abs(endX - startX), Math.abs(endY - startY)];
    const isFlat = spanX >= spanY;
    // Steps are computed from the lower end, so that an edge has the same points in both directions.
    const isFlipped = isFlat ? startX > endX : startY > endY;
    if (isFlipped) [startX, startY, endX, endY] = [endX, endY, startX, startY];
    const steps = Math.max(spanX, spanY);
    const slope = steps === 0 ? 0 : isFlat ? (endY - startY) / spanX : (endX - startX) / spanY;
    for (let step = 0; step <= steps; step++) {
      const along = isFlipped ? steps - step : step;
      outline.x.push(isFlat ? startX + along : Math.trunc(startX + slope * along + 0.5));
      outline.y.push(isFlat ? Math.trunc(startY + slope * along + 0.5) : startY + along);
    }
  }
  return outline;
}

/** Differences of ascending positions; a difference of 0 joins the runs on either side of it. */
function runsBetween(ascending: Uint32Array): number[] {
  const runs: number[] = [];
  let isJoining = false;
  for (let i = 0; i < ascending.length; i++) {
    const length = ascending[i]! - (i ? ascending[i - 1]! : 0);
    if (isJoining) {
      runs[runs.length - 1]! += length;
      isJoining = false;
    } else if (length > 0 || i === 0) runs.push(length);
    else isJoining = true;
  }
  return runs;
}
