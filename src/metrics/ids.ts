/** Ids of images and categories: their order, and which of them are known. */
import type { CocoDetection, CocoImage, Id } from "../data/readers/coco-records.ts";
import { InputError } from "../errors.ts";

/** Ascending ids without repetition: numbers by value, strings by code point, as Python sorts them. */
export function ascendingIds<T extends Id>(ids: readonly T[]): T[] {
  return [...new Set(ids)].sort((a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : compareCodePoints(String(a), String(b)),
  );
}

function compareCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference) return difference;
  }
  return left.length - right.length;
}

/** Index of each id in a list. */
export function indexOfIds<T extends Id>(ids: readonly T[]): Map<Id, number> {
  return new Map(ids.map((id, index) => [id, index]));
}

/** Throws InputError for detections of images that are not in the ground truth. */
export function refuseUnknownImages(detections: readonly CocoDetection[], images: readonly CocoImage[]): void {
  const known = new Set(images.map((image) => image.id));
  const unknown = new Set<Id>();
  let last: Id | undefined;
  for (const { image_id } of detections) {
    // Detections of an image usually follow each other.
    if (image_id !== last && !known.has(image_id)) unknown.add(image_id);
    last = image_id;
  }
  if (unknown.size === 0) return;
  const shown = [...unknown].slice(0, 5).map((id) => JSON.stringify(id));
  throw new InputError(
    `detections: ${unknown.size} image ids are not in the ground truth (${shown.join(", ")}${unknown.size > 5 ? ", …" : ""}); ` +
      "evaluate against the annotations that the detections were made for",
  );
}
