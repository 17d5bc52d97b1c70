/** The common representation of all datasets. */
import type { Segmentation } from "../../boxes/masks/segmentation.ts";
import type { Id } from "./coco-records.ts";

/** A dataset in memory, independent of its format. */
export interface Dataset {
  /** Classes in ascending order of ids. Datasets with only captions have none. */
  labels: DatasetLabel[];
  images: DatasetImage[];
}

/** The images to read: `count` images from index `start`. */
export interface ImageRange {
  start: number;
  count: number;
}

/** Whether the image with this index is in the range. */
export function isInRange(place: number, { start, count }: ImageRange): boolean {
  return place >= start && place < start + count;
}

/** A class. */
export interface DatasetLabel {
  id: number;
  name: string;
  /** LVIS: rare, common or frequent. */
  frequency?: "r" | "c" | "f";
}

/** A picture with its objects and captions. */
export interface DatasetImage {
  id: Id;
  /** Path of the picture, relative to the picture folder. */
  file: string;
  /** In pixels. */
  width: number;
  height: number;
  objects: DatasetObject[];
  captions: DatasetCaption[];
  /** LVIS: labels that are known to be absent, and labels of which not every object is annotated. */
  absentLabels?: number[];
  unfinishedLabels?: number[];
}

/** A box, or a region, of a class. */
export interface DatasetObject {
  /** Left, top, width and height in picture pixels. */
  xywh: Xywh;
  /** Id of its label; objects of captions need none. */
  label?: number;
  /** Area in square pixels as stored in the source: of the mask if there is one. */
  area: number;
  isCrowd: boolean;
  /** Score of the model that made the box; absent for human annotations. */
  score?: number;
  segmentation?: Segmentation;
}

/** A sentence about a picture, with the boxes of its phrases. */
export interface DatasetCaption {
  text: string;
  phrases: DatasetPhrase[];
}

/** A phrase of a caption with its boxes. */
export interface DatasetPhrase {
  /** Ranges of characters in the caption; the end is exclusive. */
  spans: [start: number, end: number][];
  /** Indices into the image's list of objects. */
  objects: number[];
}

/** A box in pixels: its top left corner, width and height. */
export type Xywh = [x: number, y: number, width: number, height: number];
/** A box in pixels: its top left and its bottom right corner. */
export type Xyxy = [left: number, top: number, right: number, bottom: number];

/** Converts corners to the top left corner with width and height. */
export function xywhOfXyxy([left, top, right, bottom]: Xyxy): Xywh {
  return [left, top, right - left, bottom - top];
}

/** Converts the top left corner with width and height to corners. */
export function xyxyOfXywh([x, y, width, height]: Xywh): Xyxy {
  return [x, y, x + width, y + height];
}
