/** COCO's form, which LVIS, Objects365 and ODinW share: one JSON file of images, annotations and categories. */

import type { RunLengths } from "../../boxes/masks/run-lengths.ts";
import { readSegmentation } from "../../boxes/masks/segmentation.ts";
import { InputError } from "../../errors.ts";
import { checkBox } from "./box-checks.ts";
import { asCocoGroundTruth } from "./coco-files.ts";
import type { CocoGroundTruth, Id, LvisGroundTruth } from "./coco-records.ts";
import type { Dataset, DatasetImage, DatasetObject, Xywh } from "./dataset.ts";
import { readJson } from "./json.ts";
import type { Problems } from "./problems.ts";
import { isRecord } from "./values.ts";

/** Reads a file; what is wrong goes to `problems`. */
export function readCoco(file: string, problems: Problems): Dataset {
  const json = readJson(file);
  const truth = asCocoGroundTruth(json, file, problems);
  const at = (...path: (string | number)[]) => ({ file, path });
  // Records of another form are left out above; the others are told of by their place in the file.
  const [imagePlaces, annotationPlaces] = [placesIn(json, "images"), placesIn(json, "annotations")];
  const labels = [...truth.categories]
    .sort((a, b) => a.id - b.id)
    .map(({ id, name, ...rest }) => ({ id, name, ...frequencyOf(rest) }));
  const labelIds = new Set(labels.map(({ id }) => id));
  if (labelIds.size < labels.length) problems.error(at("categories"), "two categories have one id");
  const images = new Map<Id, DatasetImage>();
  truth.images.forEach((image: LvisGroundTruth["images"][number]) => {
    const place = at("images", imagePlaces.get(image)!);
    const { id, width = 0, height = 0, file_name } = image;
    if (images.has(id)) problems.error(place, `a second image has id ${JSON.stringify(id)}`);
    if (!(width > 0 && height > 0)) problems.error(place, "width and height must be above 0");
    const coco_url = "coco_url" in image && typeof image.coco_url === "string" ? image.coco_url : undefined;
    // LVIS names its pictures by the last two parts of their address on COCO's server.
    const picture = file_name ?? coco_url?.split("/").slice(-2).join("/");
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

  const ids = new Set<number>();
  const used = new Set<number>();
  truth.annotations.forEach((annotation) => {
    const index = annotationPlaces.get(annotation)!;
    const place = at("annotations", index);
    const { id, image_id, category_id, bbox, area, iscrowd, segmentation } = annotation;
    if (ids.has(id)) problems.error(place, `a second annotation has id ${id}`);
    ids.add(id);
    if (id === 0) {
      problems.warn(
        place,
        "annotation id 0: COCO's evaluation takes its match for none, the object counts as missed; number from 1",
      );
    }
    const image = images.get(image_id);
    if (!image) problems.error(place, `there is no image ${JSON.stringify(image_id)}`);
    if (!labelIds.has(category_id)) problems.error(place, `there is no category ${category_id}`);
    used.add(category_id);
    if (bbox?.length !== 4) problems.error(place, "has no bbox of four numbers");
    if (bbox?.length !== 4) return;
    const xywh = bbox as Xywh;
    checkBox(xywh, image ?? { width: 0, height: 0 }, { problems, place: at("annotations", index, "bbox") });
    if (area > 1.01 * xywh[2] * xywh[3] + 1) {
      problems.warn(
        at("annotations", index, "area"),
        `area ${area} is more than the box holds; sizes are judged by it`,
      );
    }
    if (!image) return;
    const object: DatasetObject = { xywh, label: category_id, area, isCrowd: iscrowd === 1 };
    if (segmentation !== undefined) {
      try {
        if (!Array.isArray(segmentation) || segmentation.length) checkFilled(readSegmentation(segmentation, image));
      } catch (error) {
        problems.error(
          at("annotations", index, "segmentation"),
          error instanceof Error ? error.message : String(error),
        );
      }
      object.segmentation = segmentation;
    }
    image.objects.push(object);
  });
  const unused = labels.filter(({ id }) => !used.has(id));
  if (unused.length) {
    const names = unused.slice(0, 5).map(({ name }) => name);
    problems.warn(
      at("categories"),
      `${unused.length} categories have no object: ${names.join(", ")}${unused.length > 5 ? ", …" : ""}`,
    );
  }
  return { labels, images: [...images.values()] };
}

function placesIn(json: unknown, name: string): Map<unknown, number> {
  const list = isRecord(json) ? json[name] : undefined;
  return new Map(Array.isArray(list) ? list.map((record, index) => [record, index]) : []);
}

/** @throws InputError where run lengths do not end where the picture does. */
function checkFilled({ height, width, counts }: RunLengths): void {
  const pixels = counts.reduce((sum, run) => sum + run, 0);
  if (pixels !== height * width) {
    throw new InputError(`run lengths cover ${pixels} pixels, their size [${height}, ${width}] has ${height * width}`);
  }
}

function frequencyOf(category: object): { frequency?: "r" | "c" | "f" } {
  const frequency = "frequency" in category ? category.frequency : undefined;
  return frequency === "r" || frequency === "c" || frequency === "f" ? { frequency } : {};
}

/** A dataset in COCO's form (LVIS's where it says what is absent), annotations numbered from 1. Captions are left out. */
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
