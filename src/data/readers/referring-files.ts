/** Referring expressions in the form of MDETR's RefCOCO files, and a model's boxes for them. */

import { readJson } from "./json.ts";
import { Problems } from "./problems.ts";
import { isNumber, isNumbers, isRecord, listIn } from "./values.ts";

/** An expression with its box. */
export interface Expression {
  readonly id: number;
  /** RefCOCO, RefCOCO+ or RefCOCOg. */
  readonly dataset: string;
  /** xywh in pixels. */
  readonly box: readonly number[];
}

/** A model's boxes for an expression, in any order. */
export interface ExpressionPrediction {
  readonly id: number;
  readonly scores: readonly number[];
  /** xyxy in pixels. */
  readonly boxes: readonly (readonly number[])[];
}

/** Reads expressions: `images` with id and dataset_name, `annotations` with image_id and bbox. Throws InputError that lists all errors. */
export function readExpressions(file: string): Expression[] {
  const problems = new Problems();
  const json = readJson(file);
  const boxes = new Map<number, number[]>();
  listIn(json, "annotations", { file, problems }).forEach((record, index) => {
    const place = { file, path: ["annotations", index] };
    const { image_id, bbox } = isRecord(record) ? record : {};
    if (!isNumber(image_id) || !isNumbers(bbox) || bbox.length !== 4)
      problems.error(place, "must have image_id, and bbox: x, y, width, height");
    else if (boxes.has(image_id)) problems.error(place, `expression ${image_id} has two boxes; it must have one`);
    else boxes.set(image_id, bbox);
  });
  const seen = new Set<number>();
  const found = listIn(json, "images", { file, problems }).flatMap((record, index): Expression[] => {
    const place = { file, path: ["images", index] };
    const { id, dataset_name: dataset = "refcoco" } = isRecord(record) ? record : {};
    const box = isNumber(id) ? boxes.get(id) : undefined;
    if (!isNumber(id) || typeof dataset !== "string") problems.error(place, "must have id, and dataset_name as text");
    else if (seen.has(id)) problems.error(place, `expression ${id} stands twice`);
    else if (!box) problems.error(place, `expression ${id} has no annotation`);
    else {
      seen.add(id);
      return [{ id, dataset, box }];
    }
    return [];
  });
  problems.refuseErrors(file);
  return found;
}

/** Reads boxes: a list of records with image_id, scores, and boxes of left, top, right, bottom. Throws InputError that lists all errors. */
export function readExpressionPredictions(file: string): ExpressionPrediction[] {
  const problems = new Problems();
  const json = readJson(file);
  if (!Array.isArray(json)) problems.error({ file, path: [] }, "must be a list of predictions");
  const seen = new Set<number>();
  const found = (Array.isArray(json) ? json : []).flatMap((record: unknown, index): ExpressionPrediction[] => {
    const place = { file, path: [index] };
    const { image_id: id, scores, boxes } = isRecord(record) ? record : {};
    const areBoxes = (value: unknown): value is number[][] =>
      Array.isArray(value) && value.every((box) => isNumbers(box) && box.length === 4);
    if (!isNumber(id) || !isNumbers(scores) || !areBoxes(boxes) || boxes.length !== scores.length)
      problems.error(place, "must have image_id, and as many scores as boxes of four numbers");
    else if (seen.has(id)) problems.error(place, `expression ${id} is answered twice`);
    else {
      seen.add(id);
      return [{ id, scores, boxes }];
    }
    return [];
  });
  problems.refuseErrors(file);
  return found;
}
