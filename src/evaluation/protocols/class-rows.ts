/** Parts of the result that all protocols with regions of classes share. */

import { pictureNameOf } from "../../data/readers/coco.ts";
import type { CocoCategory, CocoGroundTruth } from "../../data/readers/coco-records.ts";
import { type DatasetChoice, findDataset, pictureFolder } from "../../data/readers/find-dataset.ts";
import type { CocoEvaluation } from "../../metrics/coco.ts";
import type { LvisEvaluation } from "../../metrics/lvis.ts";
import type { Slices } from "../../metrics/summary.ts";
import { weightedMetrics } from "../../metrics/weighted-metrics.ts";
import type { Resampled, Scored } from "./protocol-row.ts";

/** The metrics of each class. */
export function classRows(
  evaluation: CocoEvaluation | LvisEvaluation,
  categories: readonly CocoCategory[],
  summarize: (place: number) => Record<string, number>,
): Scored["rows"] {
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  return evaluation.catIds.map((id, place) => ({ name: names.get(id)!, metrics: summarize(place) }));
}

/** The averages over slices of resampled images. */
export function resampledRegions(evaluation: CocoEvaluation | LvisEvaluation, slices: Slices): Resampled {
  return { images: [evaluation.imgIds.length], score: weightedMetrics(evaluation, slices) };
}

/** Finds the pictures of a dataset in the format that the user chose. */
export function picturesOfTruth(
  { images }: Pick<CocoGroundTruth, "images">,
  path: string,
  { as, split }: DatasetChoice,
): NonNullable<Scored["pictures"]> {
  const choice = { ...(as && { as }), ...(split !== undefined && { split }) };
  return (folder) => {
    const names = images.map((image) => ({ file: pictureNameOf(image) ?? "" }));
    return { images, folder: pictureFolder(findDataset(path, choice), names, folder) };
  };
}
