/** Converts records to the columns of a matching problem, for COCO and LVIS. */
import type { CocoAnnotation, CocoDetection, CocoImage, Id } from "../data/readers/coco-records.ts";
import { indexOfIds } from "./ids.ts";
import type { MatchingProblem } from "./matching.ts";
import { annotationRegions, type detectionRegions, type RegionType, regionOverlap } from "./regions.ts";
import { column } from "./stable-order.ts";

export interface JudgedRecords {
  type: RegionType;
  images: ReadonlyMap<Id, CocoImage>;
  /** Ids in the order used; all records must belong to them. */
  imgIds: readonly Id[];
  catIds: readonly number[];
  /** Treats all categories as one. */
  isClassAgnostic: boolean;
  annotations: readonly CocoAnnotation[];
  crowd: Uint8Array;
  ignored: Uint8Array;
  detections: readonly CocoDetection[];
  regions: ReturnType<typeof detectionRegions>;
  /** The evaluated detections, as rows of `detections`. */
  rows: Int32Array;
  /** Index of a row in the caller's list. */
  positionOf: (row: number) => number;
  /** Whether an unmatched evaluated detection is not a false positive. */
  isForgiven: (detection: CocoDetection) => boolean;
  /** Maximum number of detections per image and category. */
  limit: number;
}

/** Converts records to columns. */
export function regionProblem(records: JudgedRecords): MatchingProblem {
  const { annotations, detections, regions, rows, crowd } = records;
  const imageIndex = indexOfIds(records.imgIds);
  const categoryIndex = indexOfIds(records.catIds);
  const image = (record: { image_id: Id }) => imageIndex.get(record.image_id)!;
  const category = (record: { category_id: number }) =>
    records.isClassAgnostic ? 0 : categoryIndex.get(record.category_id)!;
  const objects = annotationRegions(annotations, records.type, records.images);
  const overlapOfRow = regionOverlap(regions.regions, objects, crowd, records.type);
  return {
    images: records.imgIds.length,
    categories: records.isClassAgnostic ? 1 : records.catIds.length,
    limit: records.limit,
    objects: {
      id: Float64Array.from(annotations, (annotation) => annotation.id),
      image: Int32Array.from(annotations, image),
      category: Int32Array.from(annotations, category),
      area: Float64Array.from(annotations, (annotation) => annotation.area),
      crowd,
      ignored: records.ignored,
    },
    detections: {
      position: rows.map(records.positionOf),
      image: rows.map((row) => image(detections[row]!)),
      category: rows.map((row) => category(detections[row]!)),
      area: column(rows, (row) => regions.area[row]!),
      score: column(rows, (row) => detections[row]!.score),
      forgiven: Uint8Array.from(column(rows, (row) => (records.isForgiven(detections[row]!) ? 1 : 0))),
    },
    overlap: (detection, object) => overlapOfRow(rows[detection]!, object),
  };
}
