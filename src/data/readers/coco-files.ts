/** COCO annotation and detection files: structure is checked, so that what follows may trust its types. */
import { InputError } from "../../errors.ts";
import type { CocoDetection, CocoGroundTruth, LvisGroundTruth } from "./coco-records.ts";
import { type JsonPath, readJson, readJsonLines } from "./json.ts";
import { type Place, Problems } from "./problems.ts";
import { isId, isNumber, isNumbers, isRecord } from "./values.ts";

type Fields = Record<string, unknown>;
type Say = (path: JsonPath, message: string) => void;

/** Reads annotations in COCO's form. @throws InputError listing every record that is not of that form. */
export function readCocoAnnotations(file: string): CocoGroundTruth {
  const problems = new Problems();
  const groundTruth = asCocoGroundTruth(readJson(file), file, problems);
  problems.refuseErrors(file);
  return groundTruth;
}

/** Reads annotations in LVIS's form. @throws InputError listing every record that is not of that form. */
export function readLvisAnnotations(file: string): LvisGroundTruth {
  const groundTruth = readCocoAnnotations(file);
  const problems = new Problems();
  groundTruth.categories.forEach((category, index) => {
    const frequency = "frequency" in category ? category.frequency : undefined;
    if (frequency !== "r" && frequency !== "c" && frequency !== "f") {
      problems.error(
        { file, path: ["categories", index, "frequency"] },
        'must be "r", "c" or "f"; is this an LVIS file?',
      );
    }
  });
  problems.refuseErrors(file);
  return groundTruth as LvisGroundTruth;
}

/** Reads detections: a JSON list, or one record a line. @throws InputError listing every record that is not of COCO's form. */
export async function readCocoDetections(file: string): Promise<CocoDetection[]> {
  const problems = new Problems();
  const detections: CocoDetection[] = [];
  if (isJsonLines(file)) {
    for await (const { line, record } of readJsonLines(file)) {
      if (isDetection(record, { file, line }, problems)) detections.push(record);
    }
  } else {
    const list = readJson(file);
    if (!Array.isArray(list))
      throw new InputError(`${file}: detections are a list of { image_id, category_id, bbox, score }`);
    list.forEach((record: unknown, index) => {
      if (isDetection(record, { file, path: [index] }, problems)) detections.push(record);
    });
  }
  problems.refuseErrors(file);
  return detections;
}

/** Whether a file holds one JSON record a line, by its name. */
export function isJsonLines(file: string): boolean {
  return /\.(jsonl|ndjson)$/i.test(file);
}

/** Checks the form of annotations; records that lack what everything needs are reported. */
export function asCocoGroundTruth(value: unknown, file: string, problems: Problems): CocoGroundTruth {
  const root = isRecord(value) ? value : {};
  const part = (name: string): unknown[] => {
    const list = root[name];
    if (Array.isArray(list)) return list;
    problems.error({ file, path: [name] }, "must be a list; COCO files have images, annotations and categories");
    return [];
  };
  const records = <T>(name: string, check: (record: Fields, say: Say) => void): T[] =>
    part(name).filter((record, index): record is T => {
      const before = problems.list.length;
      const say: Say = (path, message) => problems.error({ file, path: [name, index, ...path] }, message);
      if (!isRecord(record)) say([], "must be a record");
      else check(record, say);
      return problems.list.length === before;
    });
  return {
    images: records("images", (image, say) => {
      if (!isId(image.id)) say(["id"], "must be a number or a string");
      for (const list of ["neg_category_ids", "not_exhaustive_category_ids"]) {
        if (image[list] !== undefined && !isNumbers(image[list])) say([list], "must be a list of category ids");
      }
    }),
    annotations: records("annotations", (annotation, say) => {
      if (!isNumber(annotation.id)) say(["id"], "must be a number");
      if (!isId(annotation.image_id)) say(["image_id"], "must be a number or a string");
      if (!isNumber(annotation.category_id)) say(["category_id"], "must be a number");
      if (!isNumber(annotation.area)) say(["area"], "must be a number; evaluation sorts objects into sizes by it");
      checkRegion(annotation, say);
    }),
    categories: records("categories", (category, say) => {
      if (!isNumber(category.id)) say(["id"], "must be a number");
      if (typeof category.name !== "string") say(["name"], "must be a string");
    }),
  };
}

function isDetection(record: unknown, place: Place, problems: Problems): record is CocoDetection {
  const before = problems.list.length;
  const say = (path: JsonPath, message: string) =>
    problems.error(
      place.path ? { ...place, path: [...place.path, ...path] } : place,
      `${path.join(".")} ${message}`.trim(),
    );
  if (!isRecord(record)) say([], "must be a record");
  else {
    if (!isId(record.image_id)) say(["image_id"], "must be a number or a string");
    if (!isNumber(record.category_id)) say(["category_id"], "must be a number");
    if (!isNumber(record.score)) say(["score"], "must be a number");
    checkRegion(record, say);
  }
  return problems.list.length === before;
}

function checkRegion(record: Fields, say: Say): void {
  const { bbox, segmentation } = record;
  if (bbox === undefined && segmentation === undefined) say([], "has neither bbox nor segmentation");
  if (bbox !== undefined && !(isNumbers(bbox) && (bbox.length === 4 || bbox.length === 0))) {
    say(["bbox"], "must be four numbers: x, y, width, height");
  }
  if (segmentation !== undefined && !isSegmentation(segmentation)) {
    say(["segmentation"], "must be a list of polygons (x, y, …) or { size: [height, width], counts }");
  }
}

function isSegmentation(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((part) => isNumbers(part) && part.length >= 4);
  if (!isRecord(value)) return false;
  const { size, counts } = value;
  return isNumbers(size) && size.length === 2 && (typeof counts === "string" || isNumbers(counts));
}
