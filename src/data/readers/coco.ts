/** COCO's format, which LVIS, Objects365 and ODinW also use: one JSON file with images, annotations and categories. */

import { expandRuns } from "../../boxes/masks/run-lengths.ts";
import type { Segmentation } from "../../boxes/masks/segmentation.ts";
import { InputError } from "../../errors.ts";
import { checkBox } from "./box-checks.ts";
import { asCocoGroundTruth, type PlacedGroundTruth } from "./coco-files.ts";
import type { CocoAnnotation, CocoGroundTruth, CocoImage, Id, LvisGroundTruth } from "./coco-records.ts";
import {
  type Dataset,
  type DatasetImage,
  type DatasetLabel,
  type ImageRange,
  isInRange,
  type Xywh,
} from "./dataset.ts";
import type { JsonPath } from "./json.ts";
import { readJson } from "./json.ts";
import type { Problems } from "./problems.ts";

/** The context of a reader of one file. */
interface Reading {
  file: string;
  problems: Problems;
}

/** Reads a file; errors are added to `problems`. Returns only the images in the range `shown`. */
export function readCoco(file: string, problems: Problems, shown?: ImageRange): Dataset {
  const truth = asCocoGroundTruth(readJson(file), file, problems);
  const reading = { file, problems };
  const labels = labelsOf(truth, reading);
  const images = imagesOf(truth, reading);
  const wanted = shown && new Set([...images.keys()].filter((_, place) => isInRange(place, shown)));
  const labelIds = new Set(labels.map(({ id }) => id));
  const used = new Set<number>();
  const ids = new Set<number>();
  for (const [i, annotation] of truth.annotations.entries()) {
    if (wanted && !wanted.has(annotation.image_id)) continue;
    const path = ["annotations", truth.annotationPlaces[i]!];
    const { id, category_id, image_id } = annotation;
    if (ids.has(id)) problems.error({ file, path }, `two annotations have the id ${id}`);
    ids.add(id);
    used.add(category_id);
    if (!labelIds.has(category_id)) problems.error({ file, path }, `there is no category with the id ${category_id}`);
    const image = images.get(image_id);
    if (!image) problems.error({ file, path }, `there is no image with the id ${JSON.stringify(image_id)}`);
    addObject(annotation, image, { ...reading, path });
  }
  if (shown) return { labels, images: [...images.values()].filter((_, place) => isInRange(place, shown)) };
  warnOfUnused(labels, used, reading);
  return { labels, images: [...images.values()] };
}

function labelsOf({ categories }: PlacedGroundTruth, { file, problems }: Reading): DatasetLabel[] {
  const labels = [...categories]
    .sort((a, b) => a.id - b.id)
    .map(({ id, name, ...rest }) => ({ id, name, ...frequencyOf(rest) }));
  const ids = new Set(labels.map(({ id }) => id));
  if (ids.size < labels.length) problems.error({ file, path: ["categories"] }, "two categories have the same id");
  return labels;
}

function imagesOf(truth: PlacedGroundTruth, { file, problems }: Reading): Map<Id, DatasetImage> {
  const images = new Map<Id, DatasetImage>();
  truth.images.forEach((image: LvisGroundTruth["images"][number], i) => {
    const place = { file, path: ["images", truth.imagePlaces[i]!] };
    const { id, width = 0, height = 0 } = image;
    if (images.has(id)) problems.error(place, `two images have the id ${JSON.stringify(id)}`);
    if (!(width > 0 && height > 0)) problems.error(place, "width and height must be above 0");
    const picture = pictureNameOf(image);
    if (picture === undefined) problems.error(place, "has neither file_name nor coco_url");
    images.set(id, {
      id,
      file: picture ?? "",
      width,
      height,
      objects: [],
      captions: [],
      ...(image.neg_category_ids && { absentLabels: image.neg_category_ids }),
      ...(image.not_exhaustive_category_ids && { unfinishedLabels: image.not_exhaustive_category_ids }),
    });
  });
  return images;
}

/** The path of a picture in the picture folder. LVIS names a picture by the last two parts of its URL on COCO's server. */
export function pictureNameOf(image: CocoImage): string | undefined {
  const { file_name } = image;
  if (typeof file_name === "string") return file_name;
  return "coco_url" in image && typeof image.coco_url === "string"
    ? image.coco_url.split("/").slice(-2).join("/")
    : undefined;
}

function addObject(
  { id, category_id, bbox, area, iscrowd, segmentation }: CocoAnnotation,
  image: DatasetImage | undefined,
  { file, problems, path }: Reading & { path: JsonPath },
): void {
  const at = (...deeper: string[]) => ({ file, path: [...path, ...deeper] });
  if (id === 0) {
    problems.warn(at(), "annotation id 0: COCO's evaluation counts this object as missed; number annotations from 1");
  }
  if (bbox?.length !== 4) {
    problems.error(at(), "has no bbox of four numbers");
    return;
  }
  const xywh = bbox as Xywh;
  checkBox(xywh, image ?? { width: 0, height: 0 }, { problems, place: at("bbox") });
  if (area > 1.01 * xywh[2] * xywh[3] + 1)
    problems.warn(at("area"), `area ${area} is larger than the box; evaluation groups objects by it`);
  const wrong = segmentation && wrongMask(segmentation, image);
  if (wrong) problems.error(at("segmentation"), wrong);
  image?.objects.push({
    ...{ xywh, label: category_id, area, isCrowd: iscrowd === 1 },
    ...(segmentation === undefined ? {} : { segmentation }),
  });
}

/** Larger coordinates are errors, and drawing them would need much memory. */
const LARGEST_COORDINATE = 1e6;

/** The error in a mask, found without drawing it. */
function wrongMask(segmentation: Segmentation, image: DatasetImage | undefined): string | undefined {
  if (Array.isArray(segmentation)) {
    for (const part of segmentation) {
      if (part.length < 6 || part.length % 2 > 0)
        return `polygon: ${part.length} numbers are not x and y of at least 3 points; correct or remove it`;
      const outlier = part.find((value) => Math.abs(value) > LARGEST_COORDINATE);
      if (outlier !== undefined)
        return `polygon: coordinate ${outlier} is not within ${LARGEST_COORDINATE} pixels; correct it`;
    }
    return undefined;
  }
  const [height, width] = segmentation.size;
  if (image && image.width > 0 && (image.height !== height || image.width !== width))
    return `run lengths of ${width} × ${height} pixels do not fit the picture of ${image.width} × ${image.height}; correct their size`;
  try {
    const counts = typeof segmentation.counts === "string" ? expandRuns(segmentation.counts) : segmentation.counts;
    let pixels = 0;
    for (const run of counts) pixels += run;
    if (pixels === height * width) return undefined;
    return `run lengths cover ${pixels} pixels, but their size [${height}, ${width}] has ${height * width}`;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

function warnOfUnused(labels: readonly DatasetLabel[], used: ReadonlySet<number>, { file, problems }: Reading): void {
  const unused = labels.filter(({ id }) => !used.has(id)).map(({ name }) => name);
  if (unused.length === 0) return;
  const shown = unused.slice(0, 5).join(", ") + (unused.length > 5 ? ", …" : "");
  const what = unused.length === 1 ? "1 category has no object" : `${unused.length} categories have no object`;
  problems.warn({ file, path: ["categories"] }, `${what}: ${shown}`);
}

function frequencyOf(category: object): { frequency?: "r" | "c" | "f" } {
  const frequency = "frequency" in category ? category.frequency : undefined;
  return frequency === "r" || frequency === "c" || frequency === "f" ? { frequency } : {};
}

/** Converts a dataset to COCO's format (LVIS's if it lists absent categories), with annotations numbered from 1. Captions are left out. */
export function cocoOfDataset(dataset: Dataset): CocoGroundTruth {
  let id = 0;
  return {
    images: dataset.images.map(({ id, file, width, height, absentLabels, unfinishedLabels }) => ({
      id,
      file_name: file,
      width,
      height,
      ...(absentLabels && { neg_category_ids: absentLabels }),
      ...(unfinishedLabels && { not_exhaustive_category_ids: unfinishedLabels }),
    })),
    annotations: dataset.images.flatMap((image) =>
      image.objects.flatMap(({ xywh, label, area, isCrowd, segmentation }) =>
        label === undefined
          ? []
          : [
              {
                id: ++id,
                image_id: image.id,
                category_id: label,
                bbox: xywh,
                area,
                iscrowd: isCrowd ? 1 : 0,
                ...(segmentation && { segmentation }),
              },
            ],
      ),
    ),
    categories: dataset.labels,
  };
}
