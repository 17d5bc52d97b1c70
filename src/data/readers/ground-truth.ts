/** The ground truth for scoring: a dataset with boxes of classes, in COCO's format. */
import { InputError } from "../../errors.ts";
import { cocoOfDataset, pictureNameOf } from "./coco.ts";
import { readCocoAnnotations } from "./coco-files.ts";
import type { CocoGroundTruth } from "./coco-records.ts";
import { type DatasetChoice, type DatasetPlace, findDataset, openSet, pictureFolder } from "./find-dataset.ts";

export interface GroundTruth {
  place: DatasetPlace;
  truth: CocoGroundTruth;
  /** Names of pictures are relative to this folder. */
  pictures: string;
}

/**
 * Reads a dataset's boxes.
 * @throws InputError that lists the errors, and if there are no classes.
 */
export async function readGroundTruth(path: string, choice: DatasetChoice = {}): Promise<GroundTruth> {
  const place = findDataset(path, choice, "boxes");
  // MDETR's files also have COCO's structure.
  if (place.format === "coco" || place.format === "mdetr") {
    const truth = readCocoAnnotations(place.path);
    const files = truth.images.map((image) => ({ file: pictureNameOf(image) ?? "" }));
    return { place, truth, pictures: pictureFolder(place, files, choice.images) };
  }
  const { dataset, pictures, problems } = await openSet(place, choice);
  problems.refuseErrors(path);
  if (dataset.labels.length > 0) return { place, truth: cocoOfDataset(dataset), pictures };
  throw new InputError(
    `${path} (${place.format}) has no classes to score; to score phrases of captions, use --protocol flickr30k`,
  );
}
