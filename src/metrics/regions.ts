/** The geometry of annotations and detections: boxes or masks, their areas, and their overlaps. */
import { maskArea, maskBoxXywh, maskOverlap, type RunLengths } from "../boxes/masks/run-lengths.ts";
import { readSegmentation } from "../boxes/masks/segmentation.ts";
import type { CocoAnnotation, CocoDetection, CocoImage, Id } from "../data/readers/coco-records.ts";
import { InputError } from "../errors.ts";
import { xywhOverlap } from "./box-overlap.ts";

/** The compared regions: boxes or masks. */
export type RegionType = "bbox" | "segm";

/** Rows of xywh boxes and, if masks are compared, a mask per row. */
export interface Regions {
  xywh: Float64Array;
  masks: RunLengths[];
}

/**
 * The regions of annotations.
 * @throws InputError if one has no box, or no mask if masks are compared.
 */
export function annotationRegions(
  annotations: readonly CocoAnnotation[],
  type: RegionType,
  images: ReadonlyMap<Id, CocoImage>,
): Regions {
  const regions: Regions = { xywh: new Float64Array(4 * annotations.length), masks: [] };
  annotations.forEach((annotation, row) => {
    if (type === "bbox") setBox(regions.xywh, row, annotation.bbox, `annotation ${annotation.id}`);
    else {
      const mask = maskOf(annotation, images, `annotation ${annotation.id}`);
      regions.masks.push(mask);
      regions.xywh.set(maskBoxXywh(mask), 4 * row);
    }
  });
  return regions;
}

/**
 * The regions and areas of detections. As in the original, the first detection decides: if it has a box, areas are box areas and a missing
 * mask is the box's outline; otherwise areas are pixel counts and a missing box is the mask's.
 */
export function detectionRegions(
  detections: readonly CocoDetection[],
  type: RegionType,
  images: ReadonlyMap<Id, CocoImage>,
): { regions: Regions; area: Float64Array } {
  const regions: Regions = { xywh: new Float64Array(4 * detections.length), masks: [] };
  const area = new Float64Array(detections.length);
  const areBoxed = (detections[0]?.bbox?.length ?? 0) > 0;
  for (let row = 0; row < detections.length; row++) {
    const detection = detections[row]!;
    const box = detection.bbox;
    if (areBoxed && box === undefined) {
      throw new InputError(`detection ${row} has no bbox, but the first has one; give all of them boxes or none`);
    }
    if (areBoxed) area[row] = box![2]! * box![3]!;
    if (type === "bbox" && box) setBox(regions.xywh, row, box, `detection ${row}`);
    if (type === "bbox" && areBoxed) continue;
    const isOutlined = areBoxed && detection.segmentation === undefined;
    const region = isOutlined ? { ...detection, segmentation: [outline(box!)] } : detection;
    const mask = maskOf(region, images, `detection ${row}`);
    if (!areBoxed) area[row] = maskArea(mask);
    if (type === "segm") regions.masks.push(mask);
    if (type === "segm" || !box) regions.xywh.set(maskBoxXywh(mask), 4 * row);
  }
  return { regions, area };
}

/** Overlap of a detection with an object, by their rows. Masks overlap only if their bounding boxes do. */
export function regionOverlap(
  detections: Regions,
  objects: Regions,
  crowd: Uint8Array,
  type: RegionType,
): (detection: number, object: number) => number {
  return (detection, object) => {
    const isCrowd = crowd[object] === 1;
    const boxes = xywhOverlap(detections.xywh, detection, objects.xywh, object, isCrowd);
    if (type === "bbox" || !(boxes > 0)) return boxes;
    return maskOverlap(detections.masks[detection]!, objects.masks[object]!, isCrowd);
  };
}

function setBox(xywh: Float64Array, row: number, box: readonly number[] | undefined, owner: string): void {
  if (box?.length !== 4) throw new InputError(`${owner} needs a bbox of four numbers: x, y, width, height`);
  for (let side = 0; side < 4; side++) xywh[4 * row + side] = box[side]!;
}

function outline([x, y, width, height]: readonly number[]): number[] {
  return [x!, y!, x!, y! + height!, x! + width!, y! + height!, x! + width!, y!];
}

function maskOf(
  region: Pick<CocoAnnotation, "image_id" | "segmentation">,
  images: ReadonlyMap<Id, CocoImage>,
  owner: string,
): RunLengths {
  const { height, width } = images.get(region.image_id) ?? {};
  const { segmentation } = region;
  if (segmentation === undefined || (Array.isArray(segmentation) && segmentation.length === 0)) {
    throw new InputError(`${owner} needs a segmentation to be compared as a mask`);
  }
  if (Array.isArray(segmentation) && (height === undefined || width === undefined)) {
    throw new InputError(`image ${region.image_id} needs height and width to rasterise the polygons of ${owner}`);
  }
  return readSegmentation(segmentation, { height: height ?? 0, width: width ?? 0 });
}
