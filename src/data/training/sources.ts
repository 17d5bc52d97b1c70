/** Reads datasets on disk as training examples: labelled boxes of a picture, or a caption with the boxes of its phrases. */

import { InputError } from "../../errors.ts";
import type { DatasetImage, Xywh } from "../readers/dataset.ts";
import { type DatasetChoice, openDataset } from "../readers/find-dataset.ts";
import { picturesIn } from "../readers/folders.ts";

export interface SourceFiles extends DatasetChoice {
  /** A dataset's folder or annotation file, in any format with boxes that `groundling data` reads. */
  data: string;
}

export interface TrainingSource {
  /** Names of all its classes; empty if it has only captions. */
  names: readonly string[];
  examples: readonly TrainingExample[];
}

export type TrainingExample = DetectionExample | CaptionExample;

interface PictureFile {
  /** Path of the picture; may be inside a tar. */
  picture: string;
  /** In pixels, from the annotations. */
  width: number;
  height: number;
}

export interface DetectionExample extends PictureFile {
  objects: { name: string; xywh: Xywh; score?: number }[];
  /** Names of objects that may be in the picture without a box (LVIS `not_exhaustive_category_ids`). */
  unfinished: string[];
}

export interface CaptionExample extends PictureFile {
  caption: string;
  /** Each with the characters of the caption that name it, and a score if a model found it. */
  objects: { spans: [start: number, end: number][]; xywh: Xywh; score?: number }[];
}

/**
 * Reads a dataset. Crowds, boxes without area and pictures without a box are left out.
 * Throws InputError that lists all problems: unusable records and missing pictures.
 */
export async function readSource({ data, ...choice }: SourceFiles): Promise<TrainingSource> {
  const { dataset, pictures, problems } = await openDataset(data, choice, "boxes");
  problems.refuseErrors(data);
  const { labels, images } = dataset;
  const names = new Map(labels.map(({ id, name }) => [id, name]));
  const paths = picturesIn(
    pictures,
    images.map(({ file }) => file),
  );
  const examples = images.flatMap((image, i) => [
    ...detectionOf(image, paths[i]!, names),
    ...captionsOf(image, paths[i]!),
  ]);
  if (examples.length === 0) throw new InputError(`${data} has no picture with a box; training needs at least one`);
  return { names: [...names.values()], examples };
}

function detectionOf(image: DatasetImage, picture: string, names: ReadonlyMap<number, string>): DetectionExample[] {
  const objects = usable(image).flatMap(({ label, xywh, ...found }) =>
    label === undefined ? [] : [{ name: names.get(label)!, xywh, ...scoreOf(found) }],
  );
  const unfinished = (image.unfinishedLabels ?? []).flatMap((label) => names.get(label) ?? []);
  const { width, height } = image;
  return objects.length > 0 ? [{ picture, width, height, objects, unfinished }] : [];
}

function captionsOf(image: DatasetImage, picture: string): CaptionExample[] {
  const boxed = new Set(usable(image));
  const { width, height } = image;
  return image.captions.flatMap(({ text, phrases }) => {
    const objects = image.objects.flatMap((object, place) => {
      const spans = phrases.flatMap((phrase) => (phrase.objects.includes(place) ? phrase.spans : []));
      return boxed.has(object) && spans.length > 0 ? [{ spans, xywh: object.xywh, ...scoreOf(object) }] : [];
    });
    return objects.length > 0 ? [{ picture, width, height, caption: text, objects }] : [];
  });
}

function scoreOf({ score }: { score?: number }): { score?: number } {
  return score === undefined ? {} : { score };
}

/** Single objects whose box has an area, without its last pixel and clipped to the picture (GLIP `remove_empty`). */
function usable({ objects, width, height }: DatasetImage) {
  return objects.filter(({ isCrowd, xywh: [x, y, w, h] }) => {
    const right = Math.min(x + w, width) - 1;
    const bottom = Math.min(y + h, height) - 1;
    return !isCrowd && right > Math.max(x, 0) && bottom > Math.max(y, 0);
  });
}
