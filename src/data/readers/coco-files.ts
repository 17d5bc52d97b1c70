/** COCO annotation and detection files; their structure is checked, so that later code can rely on the types. */
import { maskArea } from "../../boxes/masks/run-lengths.ts";
import { readSegmentation } from "../../boxes/masks/segmentation.ts";
import { InputError } from "../../errors.ts";
import type { CocoAnnotation, CocoCategory, CocoDetection, CocoGroundTruth, LvisGroundTruth } from "./coco-records.ts";
import { type JsonPath, readJson, readJsonLines } from "./json.ts";
import { type Place, Problems } from "./problems.ts";
import { isId, isNumber, isNumbers, isRecord } from "./values.ts";

type Fields = Record<string, unknown>;
type Say = (path: JsonPath, message: string) => void;

/**
 * Reads annotations in COCO's format.
 * @throws InputError that lists all malformed records.
 */
export function readCocoAnnotations(file: string): CocoGroundTruth {
  const problems = new Problems();
  const groundTruth = asCocoGroundTruth(readJson(file), file, problems);
  problems.refuseErrors(file);
  return groundTruth;
}

/**
 * Reads annotations in LVIS's format.
 * @throws InputError that lists all malformed records.
 */
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

/**
 * Reads detections: a JSON list, or one record per line.
 * @throws InputError that lists all records that are not in COCO's format.
 */
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
      throw new InputError(
        `${file}: is not a list of detections; write a list of { image_id, category_id, bbox, score }`,
      );
    list.forEach((record: unknown, index) => {
      if (isDetection(record, { file, path: [index] }, problems)) detections.push(record);
    });
  }
  problems.refuseErrors(file);
  return detections;
}

/** Whether a file has one JSON record per line, judged by its name. */
export function isJsonLines(file: string): boolean {
  return /\.(jsonl|ndjson)$/i.test(file);
}

/** Checked annotations, each record with its index in the file's list. */
export interface PlacedGroundTruth extends CocoGroundTruth {
  imagePlaces: number[];
  annotationPlaces: number[];
}

/** Checks the structure of annotations; incomplete records are reported and left out. A missing area is computed. */
export function asCocoGroundTruth(value: unknown, file: string, problems: Problems): PlacedGroundTruth {
  const root = isRecord(value) ? value : {};
  const part = (name: string): unknown[] => {
    const list = root[name];
    if (Array.isArray(list)) return list;
    problems.error({ file, path: [name] }, "must be a list; COCO files have images, annotations and categories");
    return [];
  };
  const records = <T>(name: string, check: (record: Fields, say: Say) => void) => {
    const kept: T[] = [];
    const places: number[] = [];
    for (const [index, record] of part(name).entries()) {
      const before = problems.count;
      const say: Say = (path, message) => problems.error({ file, path: [name, index, ...path] }, message);
      if (!isRecord(record)) say([], "must be a JSON object");
      else check(record, say);
      if (problems.count > before) continue;
      kept.push(record as T);
      places.push(index);
    }
    return { kept, places };
  };
  const images = records<CocoGroundTruth["images"][number]>("images", (image, say) => {
    if (!isId(image.id)) say(["id"], "must be a number or a string");
    for (const list of ["neg_category_ids", "not_exhaustive_category_ids"]) {
      if (image[list] !== undefined && !isNumbers(image[list])) say([list], "must be a list of category ids");
    }
  });
  const annotations = records<Unmeasured>("annotations", (annotation, say) => {
    const { id, image_id, category_id, area } = annotation;
    if (!isNumber(id)) say(["id"], "must be a number");
    if (!isId(image_id)) say(["image_id"], "must be a number or a string");
    if (!isNumber(category_id)) say(["category_id"], "must be a number");
    if (!isNumber(area ?? 0)) say(["area"], "must be a number; evaluation groups objects by it");
    checkRegion(annotation, say);
  });
  const categories = records<CocoCategory>("categories", (category, say) => {
    if (!isNumber(category.id)) say(["id"], "must be a number");
    if (typeof category.name !== "string") say(["name"], "must be a string");
  });
  const sizes = new Map(images.kept.map(({ id, width = 0, height = 0 }) => [id, { width, height }]));
  return {
    images: images.kept,
    imagePlaces: images.places,
    annotations: annotations.kept.map((annotation) =>
      hasArea(annotation) ? annotation : { ...annotation, area: areaOf(annotation, sizes.get(annotation.image_id)) },
    ),
    annotationPlaces: annotations.places,
    categories: withoutProject(categories.kept, annotations.kept),
  };
}

/** Removes category 0 of Roboflow's exports, which stands for the project: it has no object, and it is the supercategory of all others. */
function withoutProject(
  categories: readonly (CocoCategory & { supercategory?: unknown })[],
  annotations: readonly Unmeasured[],
): CocoCategory[] {
  const [project, ...others] = [...categories].sort((a, b) => a.id - b.id);
  const isProject =
    project?.id === 0 &&
    project.supercategory === "none" &&
    others.length > 0 &&
    others.every(({ supercategory }) => supercategory === project.name) &&
    annotations.every(({ category_id }) => category_id !== 0);
  return isProject ? categories.filter((category) => category !== project) : [...categories];
}

/** An annotation whose area may be missing. */
type Unmeasured = Omit<CocoAnnotation, "area"> & { area?: number | null };

function hasArea(annotation: Unmeasured): annotation is CocoAnnotation {
  return typeof annotation.area === "number";
}

/** Pixels of the mask, or of the box if there is no readable mask. */
function areaOf(
  { segmentation, bbox = [] }: Pick<CocoAnnotation, "segmentation" | "bbox">,
  size = { width: 0, height: 0 },
): number {
  const [, , width = 0, height = 0] = bbox;
  const isEmpty = segmentation === undefined || (Array.isArray(segmentation) && segmentation.length === 0);
  if (isEmpty) return width * height;
  try {
    return maskArea(readSegmentation(segmentation, size)) || width * height;
  } catch (error) {
    // Reported where masks are read.
    if (error instanceof InputError) return width * height;
    throw error;
  }
}

function isDetection(record: unknown, place: Place, problems: Problems): record is CocoDetection {
  const before = problems.count;
  const say = (path: JsonPath, message: string) =>
    problems.error(
      place.path ? { ...place, path: [...place.path, ...path] } : place,
      `${path.join(".")} ${message}`.trim(),
    );
  if (!isRecord(record)) say([], "must be a JSON object");
  else {
    if (!isId(record.image_id)) say(["image_id"], "must be a number or a string");
    if (!isNumber(record.category_id)) say(["category_id"], "must be a number");
    if (!isNumber(record.score)) say(["score"], "must be a number");
    checkRegion(record, say);
  }
  return problems.count === before;
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
