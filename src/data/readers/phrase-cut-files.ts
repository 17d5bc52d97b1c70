/** PhraseCut's tasks, with the sizes of their pictures, and a model's masks for them. */

import { rasterise } from "../../boxes/masks/polygons.ts";
import { maskArea, type RunLengths } from "../../boxes/masks/run-lengths.ts";
import { readJson } from "./json.ts";
import { type Place, Problems } from "./problems.ts";
import { isNumber, isNumbers, isRecord, listIn } from "./values.ts";

/** A phrase with the united mask of all its instances. */
export interface PhraseCutTask {
  readonly task_id: string;
  readonly mask: RunLengths;
  /** xywh in pixels. */
  readonly boxes: readonly (readonly number[])[];
  /** Names of the subsets that it belongs to, "all" among them. */
  readonly subsets: readonly string[];
}

/** A model's mask and boxes for a phrase. */
export interface PhraseCutPrediction {
  readonly task_id: string;
  readonly mask: RunLengths;
  /** xywh in pixels. */
  readonly boxes: readonly (readonly number[])[];
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The tasks of a file, and the sizes of its pictures by their ids. */
export interface PhraseCutTruth {
  readonly tasks: readonly PhraseCutTask[];
  readonly sizes: ReadonlyMap<number, Size>;
}

/**
 * Reads `images` (image_id, width, height) and `tasks` (task_id, image_id, instance_boxes, and `gtMask`, run lengths down the columns, or
 * `Polygons`, which are drawn as COCO draws them). `subsets` are names; every task is in "all". Throws InputError that lists all errors.
 */
export function readPhraseCutTasks(file: string): PhraseCutTruth {
  const problems = new Problems();
  const json = readJson(file);
  const sizes = new Map<number, Size>();
  listIn(json, "images", { file, problems }).forEach((record, index) => {
    const { image_id, width, height } = isRecord(record) ? record : {};
    if (isNumber(image_id) && isNumber(width) && isNumber(height) && width > 0 && height > 0)
      sizes.set(image_id, { width, height });
    else problems.error({ file, path: ["images", index] }, "must have image_id, width and height");
  });
  const seen = new Set<string>();
  const tasks = listIn(json, "tasks", { file, problems }).flatMap((record, index): PhraseCutTask[] => {
    const place = { file, path: ["tasks", index] };
    const known = identified(record, { sizes, place, problems, seen });
    if (!known) return [];
    const { fields, task_id, size } = known;
    const { gtMask, Polygons: polygons, instance_boxes: boxes, subsets = [] } = fields;
    const mask = gtMask === undefined ? drawn(polygons, size) : runsIn(gtMask, size);
    const areNames = Array.isArray(subsets) && subsets.every((name) => typeof name === "string");
    if (typeof mask === "string") problems.error(place, mask);
    else if (!areBoxes(boxes)) problems.error(place, "must have instance_boxes: x, y, width, height each");
    else if (!areNames) problems.error(place, "subsets must be a list of names");
    else return [{ task_id, mask, boxes, subsets: [...new Set(["all", ...(subsets as string[])])] }];
    return [];
  });
  problems.refuseErrors(file);
  return { tasks, sizes };
}

/** Reads a list of records with task_id, image_id, mask (run lengths) and boxes (x, y, width, height). Throws InputError that lists all errors. */
export function readPhraseCutPredictions(file: string, sizes: PhraseCutTruth["sizes"]): PhraseCutPrediction[] {
  const problems = new Problems();
  const json = readJson(file);
  if (!Array.isArray(json)) problems.error({ file, path: [] }, "must be a list of predictions");
  const seen = new Set<string>();
  const found = (Array.isArray(json) ? json : []).flatMap((record: unknown, index): PhraseCutPrediction[] => {
    const place = { file, path: [index] };
    const known = identified(record, { sizes, place, problems, seen });
    if (!known) return [];
    const { boxes = [] } = known.fields;
    const mask = runsIn(known.fields.mask, known.size);
    if (typeof mask === "string") problems.error(place, mask);
    else if (!areBoxes(boxes)) problems.error(place, "boxes must be x, y, width, height each");
    else return [{ task_id: known.task_id, mask, boxes }];
    return [];
  });
  problems.refuseErrors(file);
  return found;
}

interface Known {
  readonly sizes: ReadonlyMap<number, Size>;
  readonly place: Place;
  readonly problems: Problems;
  readonly seen: Set<string>;
}

/** A record of a task whose picture is known; reports what is missing, and a second record of one task. */
function identified(record: unknown, { sizes, place, problems, seen }: Known) {
  const fields = isRecord(record) ? record : {};
  const { task_id, image_id } = fields;
  const size = isNumber(image_id) ? sizes.get(image_id) : undefined;
  if (typeof task_id !== "string" || !isNumber(image_id)) problems.error(place, "must have task_id and image_id");
  else if (!size) problems.error(place, `there is no image with the id ${image_id}`);
  else if (seen.has(task_id)) problems.error(place, `task ${task_id} stands twice`);
  else {
    seen.add(task_id);
    return { fields, task_id, size };
  }
  return undefined;
}

/** Run lengths of a picture's size, or what is wrong with them. */
function runsIn(value: unknown, { width, height }: Size): RunLengths | string {
  if (!isNumbers(value) || value.some((run) => !Number.isInteger(run) || run < 0))
    return "must have a mask: run lengths down the columns, zeros first";
  const pixels = value.reduce((sum, run) => sum + run, 0);
  if (pixels !== width * height)
    return `run lengths cover ${pixels} pixels, but the picture of ${width} × ${height} has ${width * height}`;
  return { width, height, counts: Uint32Array.from(value) };
}

/** The united polygons of all instances, or what is wrong with them. */
function drawn(value: unknown, { width, height }: Size): RunLengths | string {
  const isPoint = (point: unknown) => isNumbers(point) && point.length === 2;
  const isPart = (part: unknown): part is number[][] => Array.isArray(part) && part.every(isPoint);
  const isInstance = (one: unknown): one is number[][][] => Array.isArray(one) && one.every(isPart);
  if (!Array.isArray(value) || value.length === 0 || !value.every(isInstance))
    return "must have gtMask, or Polygons: lists of parts, which are lists of points";
  const parts = value.flat(1).filter((part) => part.length > 2);
  const mask = rasterise(
    parts.map((part) => part.flat()),
    height,
    width,
  );
  return parts.length > 0 && maskArea(mask) > 0 ? mask : "has no polygon of three points with a pixel in the picture";
}

function areBoxes(value: unknown): value is number[][] {
  return Array.isArray(value) && value.every((box) => isNumbers(box) && box.length === 4);
}
