/** The common form of all datasets. */
import type { Segmentation } from "../../boxes/masks/segmentation.ts";
import type { Id } from "./coco-records.ts";

export interface Dataset {
  /** Classes, in ascending id. Sets of captions have none. */
  labels: DatasetLabel[];
  images: DatasetImage[];
}

/** The images to read: `count` images from index `start`. */
export interface Shown {
  start: number;
  count: number;
}

export function isShown(place: number, { start, count }: Shown): boolean {
  return place >= start && place < start + count;
}

export interface DatasetLabel {
  id: number;
  name: string;
  /** LVIS: rare, common or frequent. */
  frequency?: "r" | "c" | "f";
}

export interface DatasetImage {
  id: Id;
  /** Path of the picture, relative to the picture folder. */
  file: string;
  /** In pixels. */
  width: number;
  height: number;
  objects: DatasetObject[];
  captions: DatasetCaption[];
  /** LVIS: labels known to be absent, and labels of which not every object is marked. */
  absentLabels?: number[];
  unfinishedLabels?: number[];
}

export interface DatasetObject {
  /** Left, top, width and height in picture pixels. */
  xywh: Xywh;
  /** Id of its label; objects that captions speak of need none. */
  label?: number;
  /** In square pixels, as the source says it: of the mask where there is one. */
  area: number;
  isCrowd: boolean;
  /** Score of the model that made the box; absent for human annotations. */
  score?: number;
  segmentation?: Segmentation;
}

export interface DatasetCaption {
  text: string;
  phrases: DatasetPhrase[];
}

export interface DatasetPhrase {
  /** Stretches of the caption, from and up to (not including) a character. */
  spans: [start: number, end: number][];
  /** Places in the image's list of objects. */
  objects: number[];
}

export type Xywh = [x: number, y: number, width: number, height: number];
export type Xyxy = [left: number, top: number, right: number, bottom: number];

export function xywhOfXyxy([left, top, right, bottom]: Xyxy): Xywh {
  return [left, top, right - left, bottom - top];
}

export function xyxyOfXywh([x, y, width, height]: Xywh): Xyxy {
  return [x, y, x + width, y + height];
}
